/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Encap: what does not fit the way is told to its sender (RFC 1191, RFC 8201), who is asked to send
 * less. Nobody else does: a frame is switched here, not routed. */
#pragma once

#include "deliver.h"

#define ICMP_HEADER 8
/* Of the packet that does not fit, so much goes back: its IP header and eight bytes. */
#define QUOTED4 (IPV4_HEADER + 8)
#define QUOTED6 (IPV6_HEADER + 8)
#define ICMP_UNREACHABLE 3
#define ICMP_TOO_BIG 4
#define ICMPV6_TOO_BIG 2

/* Of a super-packet the length counts of what it is cut into. */
inline_ int is_too_big(struct __sk_buff *skb, __u32 most)
{
	struct packet packet = {};
	__u32 header = 8;
	if (!skb->gso_size)
		return skb->len - ETH_HLEN > most;
	if (find(skb, ETHERNET, &packet) != FOUND)
		return 0;
	if (packet.protocol == IPPROTO_TCP) {
		__u8 copy;
		const __u8 *offset = view(skb, ETHERNET, packet.upper + 12, &copy, 1);
		if (!offset)
			return 0;
		header = (*offset >> 4) * 4;
	}
	return packet.upper + header + skb->gso_size > most;
}

struct told4 {
	struct frame ethernet;
	__u8 ip[IPV4_HEADER];
	__u8 icmp[ICMP_HEADER];
	__u8 quoted[QUOTED4];
	__u8 zero[2]; /* so that its size is a multiple of four */
} __attribute__((aligned(8)));

struct told6 {
	struct frame ethernet;
	__u8 ip[IPV6_HEADER];
	__u8 icmp[ICMP_HEADER];
	__u8 quoted[QUOTED6];
	__u8 zero[2];
} __attribute__((aligned(8)));

inline_ void turn_around(struct frame *ethernet, const struct frame *frame)
{
	ethernet->to = frame->from;
	ethernet->from = frame->to;
	ethernet->kind = frame->kind;
}

/* From the one that it was for, since no router is there to say it. */
inline_ int refuse_size4(struct __sk_buff *skb, const struct frame *frame, __u32 most)
{
	struct told4 told = {};
	__u16 sum;
	told.ip[0] = 0x45;
	told.ip[3] = IPV4_HEADER + ICMP_HEADER + QUOTED4;
	told.ip[8] = 64;
	told.ip[9] = IPPROTO_ICMP;
	told.icmp[0] = ICMP_UNREACHABLE;
	told.icmp[1] = ICMP_TOO_BIG;
	told.icmp[6] = most >> 8;
	told.icmp[7] = most;
	if (load(skb, 0, told.quoted, QUOTED4))
		return -1;
	turn_around(&told.ethernet, frame);
	__builtin_memcpy(told.ip + 12, told.quoted + 16, 4);
	__builtin_memcpy(told.ip + 16, told.quoted + 12, 4);
	sum = fold(bpf_csum_diff(0, 0, (__be32 *)told.ip, IPV4_HEADER, 0));
	__builtin_memcpy(told.ip + 10, &sum, 2);
	sum = fold(bpf_csum_diff(0, 0, (__be32 *)told.icmp, ICMP_HEADER + QUOTED4, 0));
	__builtin_memcpy(told.icmp + 2, &sum, 2);
	__u32 length = ETH_HLEN + IPV4_HEADER + ICMP_HEADER + QUOTED4;
	if (bpf_skb_change_tail(skb, length, 0))
		return -1;
	return bpf_skb_store_bytes(skb, 0, &told, length, 0);
}

inline_ int refuse_size6(struct __sk_buff *skb, const struct frame *frame, __u32 most)
{
	struct told6 told = {};
	told.ip[0] = 0x60;
	told.ip[5] = ICMP_HEADER + QUOTED6;
	told.ip[6] = ICMPV6;
	told.ip[7] = 64;
	told.icmp[0] = ICMPV6_TOO_BIG;
	told.icmp[6] = most >> 8;
	told.icmp[7] = most;
	if (load(skb, 0, told.quoted, QUOTED6))
		return -1;
	turn_around(&told.ethernet, frame);
	__builtin_memcpy(told.ip + 8, told.quoted + 24, 16);
	__builtin_memcpy(told.ip + 24, told.quoted + 8, 16);
	__u16 sum = icmpv6_checksum(told.ip, told.icmp, ICMP_HEADER + QUOTED6);
	__builtin_memcpy(told.icmp + 2, &sum, 2);
	__u32 length = ETH_HLEN + IPV6_HEADER + ICMP_HEADER + QUOTED6;
	if (bpf_skb_change_tail(skb, length, 0))
		return -1;
	return bpf_skb_store_bytes(skb, 0, &told, length, 0);
}

inline_ int refuse_size(struct __sk_buff *skb, struct notes *notes, const struct frame *frame,
			__u32 most)
{
	int lost = settle(skb, TOO_BIG, notes);
	__u32 from = skb->ifindex;
	int failed = skb->protocol == bpf_htons(ETH_P_IP)     ? refuse_size4(skb, frame, most)
		     : skb->protocol == bpf_htons(ETH_P_IPV6) ? refuse_size6(skb, frame, most)
							      : -1;
	return failed ? lost : hand_over(skb, from);
}
