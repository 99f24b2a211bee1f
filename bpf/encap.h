/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Encap: the frame is wrapped for the host that owns its destination, and leaves. */
#pragma once

#include <linux/ip.h>
#include <linux/udp.h>

#include "deliver.h"
#include "too_big.h"

#define ENCAP_FLAGS                                                                                \
	(BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L4_UDP |   \
	 BPF_F_ADJ_ROOM_ENCAP_L2_ETH | BPF_F_ADJ_ROOM_ENCAP_L2(ETH_HLEN))

/* Between the outer Ethernet header and the inner packet: IP, UDP, VXLAN, Ethernet. */
#define ROOM (IPV4_HEADER + 8 + 8 + ETH_HLEN)
/* RFC 6335: the first of those ports that nobody is assigned. RFC 7348 §5 asks for them. */
#define FIRST_SOURCE_PORT 49152
#define DO_NOT_CUT 0x4000
#define TTL 64
#define ECN 3

struct outer {
	__u8 to[6];
	__u8 from[6];
	__be16 kind;
	struct iphdr ip;
	struct udphdr udp;
	__u8 vxlan[8];
	__u8 inner[ETH_HLEN];
} __attribute__((packed));

/* Of the IP header, whose checksum is still zero. */
inline_ __s64 sum_of(const struct outer *outer)
{
	__u16 words[IPV4_HEADER / 2];
	__u32 sum = 0;
	__builtin_memcpy(words, (const __u8 *)outer + ETH_HLEN, IPV4_HEADER);
	for (int i = 0; i < IPV4_HEADER / 2; i++)
		sum += words[i];
	return sum;
}

/* The inner packet's congestion bits (RFC 6040 §4.1). */
inline_ __u8 congestion(struct __sk_buff *skb)
{
	__u8 head[2];
	if (load(skb, 0, head, sizeof(head)))
		return 0;
	return ECN & (head[0] >> 4 == 4 ? head[1] : head[1] >> 4);
}

inline_ int wrap(struct __sk_buff *skb, __u32 vni, const __u8 *frame, const struct config *known,
		 const struct address *to, const struct way *way)
{
	__u32 length = skb->len - ETH_HLEN + ROOM;
	__u8 ecn = congestion(skb);
	__u32 hash = bpf_get_hash_recalc(skb);
	struct outer outer = {
		.kind = bpf_htons(ETH_P_IP),
		.ip = {
			.version = 4,
			.ihl = IPV4_HEADER / 4,
			.tos = ecn,
			.tot_len = bpf_htons(length),
			.frag_off = bpf_htons(DO_NOT_CUT),
			.ttl = TTL,
			.protocol = IPPROTO_UDP,
			.saddr = unmapped(&known->local),
			.daddr = unmapped(to),
		},
		.udp = {
			.source = bpf_htons(FIRST_SOURCE_PORT | hash >> 18),
			.dest = bpf_htons(known->vxlan_port),
			.len = bpf_htons(length - IPV4_HEADER),
		},
		.vxlan = { 8, 0, 0, 0, vni >> 16, vni >> 8, vni },
	};
	outer.ip.check = fold(sum_of(&outer));
	__builtin_memcpy(outer.to, way->to, ETH_ALEN);
	__builtin_memcpy(outer.from, way->from, ETH_ALEN);
	__builtin_memcpy(outer.inner, frame, ETH_HLEN);
	if (bpf_skb_adjust_room(skb, ROOM, BPF_ADJ_ROOM_MAC, ENCAP_FLAGS))
		return -1;
	return bpf_skb_store_bytes(skb, 0, &outer, sizeof(outer), 0);
}

/* Sends a frame to the host where its destination is. */
inline_ int encap(struct __sk_buff *skb, struct notes *notes, const __u8 *frame,
		  const struct address *to)
{
	__u32 zero = 0;
	struct config *known = bpf_map_lookup_elem(&config, &zero);
	/* Over IPv6 the outer checksum has to be right, which is the device's business. */
	if (!known || !is_mapped(to) || skb->len > 0xffff - ROOM)
		return send_slowly(skb, notes->vni, to);
	struct found_way found = find_way(skb, to, unmapped(&known->local));
	struct way *way = found.way;
	if (!way || way->state == WAY_UNKNOWN)
		return send_slowly(skb, notes->vni, to);
	if (way->state == WAY_SHUT)
		return settle(skb, HOST_UNREACHABLE, notes);
	if (skb->len > way->mtu + ETH_HLEN - ROOM && is_too_big(skb, way->mtu - ROOM))
		return refuse_size(skb, notes, frame, way->mtu - ROOM);
	/* What is neither IPv4 nor IPv6 cannot be given room (`bpf_skb_adjust_room`). */
	if (wrap(skb, notes->vni, frame, known, to, way))
		return send_slowly(skb, notes->vni, to);
	if (way->state == WAY_OPEN && !found.fresh)
		return bpf_redirect(way->interface, 0);
	struct bpf_redir_neigh next = { .nh_family = AF_INET, .ipv4_nh = way->gateway };
	return bpf_redirect_neigh(way->interface, &next, sizeof(next), 0);
}
