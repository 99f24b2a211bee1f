/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Networks without bridges: what comes in by a workload's port, and what comes for one. */
#pragma once

#include "answer.h"
#include "decap.h"
#include "encap.h"

/* Since Linux 6.3; before that, what is of another family than its tunnel goes the slow way. */
#define DECAP_L3_IPV4 (1ULL << 7)
#define DECAP_L3_IPV6 (1ULL << 8)

/* In the first byte of a destination: it is a group's, or everybody's. */
#define FOR_MANY 1

/* Sends on what a workload may send. */
inline_ int leave(struct __sk_buff *skb, const struct port *port, const struct frame *frame,
		  struct notes *notes)
{
	if (frame->kind == bpf_htons(ETH_P_ARP) && is_arp_question(skb))
		return answer_arp(skb, port, notes);
	if (frame->to.bytes[0] & FOR_MANY) {
		if (frame->kind == bpf_htons(ETH_P_IPV6) && is_nd_question(skb))
			return answer_nd(skb, port, notes);
		return spread(skb, port->vni, EVERYWHERE);
	}
	struct station to = { .vni = port->vni, .mac = frame->to };
	struct home *home = bpf_map_lookup_elem(&homes, &to);
	if (!home)
		return settle(skb, NO_HOME, notes);
	if (home->interface)
		return hand_over(skb, home->interface);
	return encap(skb, notes, frame, &home->host);
}

/* A frame for a station that is here, if it is. */
inline_ struct home *find_here(__u32 vni, const struct frame *frame)
{
	struct station to = { .vni = vni, .mac = frame->to };
	struct home *home = bpf_map_lookup_elem(&homes, &to);
	return home && home->interface ? home : 0;
}

inline_ int is_for_tunnel(const struct address *destination)
{
	__u32 zero = 0;
	struct config *known = bpf_map_lookup_elem(&config, &zero);
	return known && is_same(&known->local, destination);
}

/* RFC 6040 §4.2, the one case in which the outer header changes the inner. */
inline_ void note_congestion(struct __sk_buff *skb, __u8 outer)
{
	if ((outer & ECN) == ECN)
		bpf_skb_ecn_set_ce(skb);
}

/* Takes the frame out of VXLAN that was judged, and delivers it. What is not simple goes on to the
 * kernel's own device. */
inline_ int arrive(struct __sk_buff *skb, const struct packet *packet, struct notes *notes)
{
	struct frame copy;
	int four = skb->protocol == bpf_htons(ETH_P_IP);
	__u32 least = (four ? IPV4_HEADER : IPV6_HEADER) + UDP_HEADER + VXLAN_HEADER;
	/* A tag would go into the workload's interface with it. */
	if (notes->frame != least || skb->pkt_type != PACKET_HOST || skb->vlan_present)
		return GO_ON;
	const struct frame *there = view(skb, ETHERNET, least, &copy, ETH_HLEN);
	if (!there || !is_for_tunnel(&packet->destination))
		return GO_ON;
	struct frame frame = *there;
	int inner_four = frame.kind == bpf_htons(ETH_P_IP);
	if (frame.to.bytes[0] & FOR_MANY || (!inner_four && frame.kind != bpf_htons(ETH_P_IPV6)))
		return GO_ON;
	struct home *home = find_here(notes->vni, &frame);
	if (!home)
		return GO_ON;
	__u32 interface = home->interface;
	__u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO;
	if (four != inner_four)
		flags |= four ? DECAP_L3_IPV6 : DECAP_L3_IPV4;
	if (bpf_skb_adjust_room(skb, -(__s32)(least + ETH_HLEN), BPF_ADJ_ROOM_MAC, flags))
		return GO_ON;
	if (write_frame(skb, &frame))
		return DONE;
	note_congestion(skb, packet->service);
	return hand_over(skb, interface);
}

/* Judges once more who sent it, since the interface it came by may have had no guard yet. */
inline_ enum reason judge_shared(struct __sk_buff *skb, struct notes *notes,
				 const struct frame *frame)
{
	struct bpf_tunnel_key key = {};
	int six = 0;
	if (bpf_skb_get_tunnel_key(skb, &key, sizeof(key), 0)) {
		six = 1;
		if (bpf_skb_get_tunnel_key(skb, &key, sizeof(key), BPF_F_TUNINFO_IPV6))
			return BAD_HEADER;
	}
	if (six)
		__builtin_memcpy(&notes->outer, key.remote_ipv6, 16);
	else
		mapped(&notes->outer, bpf_htonl(key.remote_ipv4));
	notes->vni = key.tunnel_id;
	if (!bpf_map_lookup_elem(&vnis, &notes->vni))
		return UNKNOWN_VNI;
	struct station from = { .vni = notes->vni, .mac = frame->from };
	struct home *home = bpf_map_lookup_elem(&homes, &from);
	return home && is_same(&home->host, &notes->outer) ? PASS : NOT_OWNER;
}

/* What the shared VXLAN device took out. */
inline_ int emerge(struct __sk_buff *skb, struct notes *notes)
{
	struct frame frame;
	if (read_frame(skb, &frame))
		return DONE;
	enum reason reason = judge_shared(skb, notes, &frame);
	if (reason != PASS)
		return settle(skb, reason, notes);
	if (frame.to.bytes[0] & FOR_MANY)
		return spread(skb, notes->vni, HERE);
	struct home *home = find_here(notes->vni, &frame);
	return home ? hand_over(skb, home->interface) : settle(skb, NO_PORT, notes);
}
