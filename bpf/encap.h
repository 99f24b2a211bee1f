/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Encap: the frame is wrapped for the host that owns its destination, and leaves. */
#pragma once

#include <linux/udp.h>

#include "decap.h"
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

/* What goes before the inner packet, behind the outer Ethernet header. */
struct outer {
	struct iphdr ip;
	struct udphdr udp;
	struct vxlan vxlan;
};

/* The sum of its halves. */
inline_ __u32 halves(__be32 word)
{
	return (word & 0xffff) + (word >> 16);
}

/* Of the IP header, whose checksum and number are zero. */
inline_ __u32 sum_of(const struct iphdr *ip)
{
	__u32 fixed = bpf_htons(0x4500) + bpf_htons(DO_NOT_CUT) + bpf_htons(TTL << 8 | IPPROTO_UDP);
	return fixed + bpf_htons(ip->tos) + ip->tot_len + halves(ip->saddr) + halves(ip->daddr);
}

/* The inner packet's congestion bits (RFC 6040 §4.1). */
inline_ __u8 congestion(struct __sk_buff *skb)
{
	__u8 copy[2];
	const __u8 *head = view(skb, ETHERNET, 0, copy, sizeof(copy));
	if (!head)
		return 0;
	return ECN & (head[0] >> 4 == 4 ? head[1] : head[1] >> 4);
}

/* Written in place, as in `write_frame`. */
inline_ int wrap(struct __sk_buff *skb, __u32 vni, const struct frame *frame,
		 const struct config *known, const struct address *to, const struct way *way)
{
	__u32 length = skb->len - ETH_HLEN + ROOM;
	__u8 ecn = congestion(skb);
	/* The socket that sent it has given it one, but for a few. */
	__u32 hash = skb->hash ? skb->hash : bpf_get_hash_recalc(skb);
	if (bpf_skb_adjust_room(skb, ROOM, BPF_ADJ_ROOM_MAC, ENCAP_FLAGS))
		return -1;
	struct frame *ethernet = (void *)(long)skb->data;
	struct outer *outer = (void *)(ethernet + 1);
	if ((void *)outer + ROOM > (void *)(long)skb->data_end)
		return -1;
	*ethernet = (struct frame){ way->to, way->from, bpf_htons(ETH_P_IP) };
	outer->ip = (struct iphdr){
		.version = 4,
		.ihl = IPV4_HEADER / 4,
		.tos = ecn,
		.tot_len = bpf_htons(length),
		.frag_off = bpf_htons(DO_NOT_CUT),
		.ttl = TTL,
		.protocol = IPPROTO_UDP,
		.saddr = unmapped(&known->local),
		.daddr = unmapped(to),
	};
	outer->ip.check = fold(sum_of(&outer->ip));
	outer->udp = (struct udphdr){
		.source = bpf_htons(FIRST_SOURCE_PORT | hash >> 18),
		.dest = bpf_htons(known->vxlan_port),
		.len = bpf_htons(length - IPV4_HEADER),
	};
	outer->vxlan.flags = VXLAN_FLAGS;
	outer->vxlan.vni = bpf_htonl(vni << 8);
	outer->vxlan.frame = *frame;
	return 0;
}

/* Sends a frame to the host where its destination is. */
inline_ int encap(struct __sk_buff *skb, struct notes *notes, const struct frame *frame,
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
