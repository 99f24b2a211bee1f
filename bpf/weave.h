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
inline_ int leave(struct __sk_buff *skb, const struct port *port, const __u8 *frame,
		  struct notes *notes)
{
	__u16 kind = frame[12] << 8 | frame[13];
	if (kind == ETH_P_ARP && is_arp_question(skb))
		return answer_arp(skb, port, notes);
	if (frame[0] & FOR_MANY) {
		if (kind == ETH_P_IPV6 && is_nd_question(skb))
			return answer_nd(skb, port, notes);
		return spread(skb, port->vni, EVERYWHERE);
	}
	struct station to = { .vni = port->vni };
	__builtin_memcpy(to.mac, frame, ETH_ALEN);
	struct home *home = bpf_map_lookup_elem(&homes, &to);
	if (!home)
		return settle(skb, NO_HOME, notes);
	if (home->interface)
		return hand_over(skb, home->interface);
	return encap(skb, notes, frame, &home->host);
}

/* A frame for a station that is here, if it is. */
inline_ struct home *find_here(__u32 vni, const __u8 *frame)
{
	struct station to = { .vni = vni };
	__builtin_memcpy(to.mac, frame, ETH_ALEN);
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
inline_ int arrive(struct __sk_buff *skb, struct notes *notes)
{
	__u8 head[2], frame[ETH_HLEN];
	struct address to;
	__u32 room = notes->frame + ETH_HLEN;
	int four = skb->protocol == bpf_htons(ETH_P_IP);
	__u32 least = (four ? IPV4_HEADER : IPV6_HEADER) + UDP_HEADER + VXLAN_HEADER;
	/* A tag would go into the workload's interface with it. */
	if (notes->frame != least || skb->pkt_type != PACKET_HOST || skb->vlan_present)
		return GO_ON;
	if (load(skb, 0, head, sizeof(head)) || load(skb, notes->frame, frame, ETH_HLEN))
		return GO_ON;
	if (four) {
		__u8 bytes[4];
		if (load(skb, 16, bytes, 4))
			return GO_ON;
		mapped(&to, bytes);
	} else if (load(skb, 24, &to, 16)) {
		return GO_ON;
	}
	__u16 kind = frame[12] << 8 | frame[13];
	if (frame[0] & FOR_MANY || !is_for_tunnel(&to) || (kind != ETH_P_IP && kind != ETH_P_IPV6))
		return GO_ON;
	struct home *home = find_here(notes->vni, frame);
	if (!home)
		return GO_ON;
	__u32 interface = home->interface;
	__u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO;
	if (four != (kind == ETH_P_IP))
		flags |= four ? DECAP_L3_IPV6 : DECAP_L3_IPV4;
	if (bpf_skb_adjust_room(skb, -(__s32)room, BPF_ADJ_ROOM_MAC, flags))
		return GO_ON;
	if (bpf_skb_store_bytes(skb, 0, frame, ETH_HLEN, 0))
		return DONE;
	note_congestion(skb, four ? head[1] : head[1] >> 4);
	return hand_over(skb, interface);
}

/* Judges once more who sent it, since the interface it came by may have had no guard yet. */
inline_ enum reason judge_shared(struct __sk_buff *skb, struct notes *notes, const __u8 *frame)
{
	struct bpf_tunnel_key key = {};
	int six = 0;
	if (bpf_skb_get_tunnel_key(skb, &key, sizeof(key), 0)) {
		six = 1;
		if (bpf_skb_get_tunnel_key(skb, &key, sizeof(key), BPF_F_TUNINFO_IPV6))
			return BAD_HEADER;
	}
	__be32 four = bpf_htonl(key.remote_ipv4);
	if (six)
		__builtin_memcpy(&notes->outer, key.remote_ipv6, 16);
	else
		mapped(&notes->outer, (__u8 *)&four);
	notes->vni = key.tunnel_id;
	if (!bpf_map_lookup_elem(&vnis, &notes->vni))
		return UNKNOWN_VNI;
	struct station from = { .vni = notes->vni };
	__builtin_memcpy(from.mac, frame + ETH_ALEN, ETH_ALEN);
	struct home *home = bpf_map_lookup_elem(&homes, &from);
	return home && is_same(&home->host, &notes->outer) ? PASS : NOT_OWNER;
}

/* What the shared VXLAN device took out. */
inline_ int emerge(struct __sk_buff *skb, struct notes *notes)
{
	__u8 frame[ETH_HLEN];
	if (bpf_skb_load_bytes(skb, 0, frame, ETH_HLEN))
		return DONE;
	enum reason reason = judge_shared(skb, notes, frame);
	if (reason != PASS)
		return settle(skb, reason, notes);
	if (frame[0] & FOR_MANY)
		return spread(skb, notes->vni, HERE);
	struct home *home = find_here(notes->vni, frame);
	return home ? hand_over(skb, home->interface) : settle(skb, NO_PORT, notes);
}
