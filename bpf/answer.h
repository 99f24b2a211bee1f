/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Neighbor: who has an address? The host answers from its table, and nothing is flooded. */
#pragma once

#include "deliver.h"
#include "neighbor.h"

#define ARP 28

/* Ethernet and ARP. */
struct arp_frame {
	__u8 bytes[ETH_HLEN + ARP];
	__u8 zero[2];
} __attribute__((aligned(4)));

inline_ struct neighbor *find_neighbor(__u32 vni, const struct address *address)
{
	struct spot spot = { .vni = vni, .address = *address };
	return bpf_map_lookup_elem(&neighbors, &spot);
}

/* What is to become of a question that is not answered: about oneself nobody says anything. */
inline_ int leave_open(struct __sk_buff *skb, const struct port *port, const struct address *target,
		       struct notes *notes)
{
	for (int i = 0; i < OWN_ADDRESSES; i++)
		if (is_same(&port->own[i], target))
			return DONE;
	return settle(skb, UNKNOWN_ADDRESS, notes);
}

inline_ int is_arp_question(struct __sk_buff *skb)
{
	__u8 operation[2];
	return !load(skb, 6, operation, 2) && !operation[0] && operation[1] == 1;
}

inline_ int answer_arp(struct __sk_buff *skb, const struct port *port, struct notes *notes)
{
	struct arp_frame asked, answer;
	struct address target;
	if (bpf_skb_load_bytes(skb, 0, &asked, ETH_HLEN + ARP))
		return DONE;
	mapped_from(&target, asked.bytes + ETH_HLEN + 24);
	struct neighbor *found = find_neighbor(port->vni, &target);
	if (!found || is_same_mac(&found->mac, &port->mac))
		return leave_open(skb, port, &target, notes);
	answer = asked;
	__u8 *arp = answer.bytes + ETH_HLEN;
	__builtin_memcpy(answer.bytes, asked.bytes + ETH_ALEN, ETH_ALEN);
	__builtin_memcpy(answer.bytes + ETH_ALEN, &found->mac, ETH_ALEN);
	arp[7] = 2;
	__builtin_memcpy(arp + 8, &found->mac, ETH_ALEN);
	__builtin_memcpy(arp + 14, asked.bytes + ETH_HLEN + 24, 4);
	__builtin_memcpy(arp + 18, asked.bytes + ETH_HLEN + 8, ETH_ALEN + 4);
	if (bpf_skb_store_bytes(skb, 0, &answer, ETH_HLEN + ARP, 0))
		return DONE;
	return hand_over(skb, skb->ifindex);
}

/* Ethernet, IPv6, and an advertisement with one option. */
struct nd_frame {
	__u8 ethernet[ETH_HLEN];
	__u8 ip[IPV6_HEADER];
	__u8 message[32];
	__u8 zero[2];
} __attribute__((aligned(8)));

#define SOLICITED_OVERRIDE 0x60

/* A question from nobody is one after its own address, which is nobody's business. */
inline_ int answer_nd(struct __sk_buff *skb, const struct port *port, struct notes *notes)
{
	struct nd_frame answer = {};
	struct address asker, target;
	if (load(skb, 8, &asker, 16) || load(skb, IPV6_HEADER + 8, &target, 16))
		return DONE;
	struct neighbor *found = find_neighbor(port->vni, &target);
	if (!found || is_nobody(&asker) || is_same_mac(&found->mac, &port->mac))
		return leave_open(skb, port, &target, notes);
	__builtin_memcpy(answer.ethernet, &port->mac, ETH_ALEN);
	__builtin_memcpy(answer.ethernet + ETH_ALEN, &found->mac, ETH_ALEN);
	answer.ethernet[12] = ETH_P_IPV6 >> 8;
	answer.ethernet[13] = ETH_P_IPV6 & 0xff;
	answer.ip[0] = 0x60;
	answer.ip[5] = 32;
	answer.ip[6] = ICMPV6;
	answer.ip[7] = 255;
	answer.message[0] = NEIGHBOR_ADVERTISEMENT;
	answer.message[4] = SOLICITED_OVERRIDE;
	__builtin_memcpy(answer.ip + 8, &target, 16);
	__builtin_memcpy(answer.ip + 24, &asker, 16);
	__builtin_memcpy(answer.message + 8, &target, 16);
	answer.message[24] = TARGET_LINK_LAYER;
	answer.message[25] = 1;
	__builtin_memcpy(answer.message + 26, &found->mac, ETH_ALEN);
	__u16 sum = icmpv6_checksum(answer.ip, answer.message, 32);
	__builtin_memcpy(answer.message + 2, &sum, 2);
	__u32 length = ETH_HLEN + IPV6_HEADER + 32;
	if (bpf_skb_change_tail(skb, length, 0) ||
	    bpf_skb_store_bytes(skb, 0, &answer, length, 0))
		return DONE;
	return hand_over(skb, skb->ifindex);
}

inline_ int is_nd_question(struct __sk_buff *skb)
{
	__u8 head[1];
	return !load(skb, 6, head, 1) && head[0] == ICMPV6 && !load(skb, IPV6_HEADER, head, 1) &&
	       head[0] == NEIGHBOR_SOLICITATION;
}
