/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Interfaces of the host: VXLAN comes in over the underlay, from members, for what is theirs; and
 * workloads reach neither it nor the agent. */
#pragma once

#include "tell.h"
#include "way.h"

#define UDP_HEADER 8
#define VXLAN_HEADER 8

/* Whether an upper header that was not found may have been VXLAN. */
inline_ enum reason hidden(const struct packet *packet)
{
	return packet->piece == WHOLE ? BAD_HEADER : FRAGMENT;
}

inline_ int is_vxlan(__u16 port)
{
	__u32 zero = 0;
	struct config *known = bpf_map_lookup_elem(&config, &zero);
	return known && known->vxlan_port && known->vxlan_port == port;
}

/* RFC 7348 §5: flags and 24 reserved bits, VNI and 8 reserved bits; a frame. */
struct vxlan {
	__be32 flags;
	__be32 vni;
	struct frame frame;
};

/* Only I is set. */
#define VXLAN_FLAGS bpf_htonl(0x08000000)

inline_ int is_proper(const struct vxlan *vxlan)
{
	return vxlan->flags == VXLAN_FLAGS && !(vxlan->vni & bpf_htonl(0xff));
}

inline_ enum reason judge_vxlan(struct __sk_buff *skb, enum link link, const struct packet *packet,
				struct notes *notes)
{
	struct vxlan copy;
	if (packet->piece != WHOLE)
		return FRAGMENT;
	const struct vxlan *vxlan =
		view(skb, link, packet->upper + UDP_HEADER, &copy, VXLAN_HEADER + ETH_HLEN);
	if (!vxlan)
		return BAD_HEADER;
	notes->vni = bpf_ntohl(vxlan->vni) >> 8;
	notes->frame = packet->upper + UDP_HEADER + VXLAN_HEADER;
	if (!is_proper(vxlan))
		return BAD_HEADER;
	if (!bpf_map_lookup_elem(&peers, &packet->source))
		return UNKNOWN_PEER;
	/* Network 0 is nobody's: members probe the way with it, and the kernel has no use for it. */
	if (!notes->vni)
		return PASS;
	if (!bpf_map_lookup_elem(&vnis, &notes->vni))
		return UNKNOWN_VNI;
	struct station station = { .vni = notes->vni, .mac = vxlan->frame.from };
	struct home *home = bpf_map_lookup_elem(&homes, &station);
	if (!home || !is_same(&home->host, &packet->source))
		return NOT_OWNER;
	return PASS;
}

/* Judges what came in, and finds out what it is: `packet` is empty before. */
inline_ enum reason judge_underlay(struct __sk_buff *skb, enum link link, struct packet *packet,
				   struct notes *notes)
{
	struct ends ends;
	enum found found = find(skb, link, packet);
	notes->outer = packet->source;
	if (found == HIDDEN)
		return hidden(packet);
	if (found == NOTHING || packet->protocol != IPPROTO_UDP || packet->piece == LATER)
		return PASS;
	if (read_ends(skb, link, packet, &ends))
		return packet->piece == WHOLE ? PASS : FRAGMENT;
	return is_vxlan(ends.destination) ? judge_vxlan(skb, link, packet, notes) : PASS;
}

/* Whether a packet is for this host itself, as the host's routes have it. */
inline_ int is_for_host(struct __sk_buff *skb, const struct packet *packet)
{
	struct bpf_fib_lookup route = { .ifindex = skb->ifindex };
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		route.family = AF_INET;
		__builtin_memcpy(&route.ipv4_src, packet->source.bytes + 12, 4);
		__builtin_memcpy(&route.ipv4_dst, packet->destination.bytes + 12, 4);
	} else {
		route.family = AF_INET6;
		__builtin_memcpy(route.ipv6_src, &packet->source, 16);
		__builtin_memcpy(route.ipv6_dst, &packet->destination, 16);
	}
	int answer = bpf_fib_lookup(skb, &route, sizeof(route), 0);
	return answer == BPF_FIB_LKUP_RET_NOT_FWDED || answer == BPF_FIB_LKUP_RET_FWD_DISABLED;
}

inline_ enum reason judge_workloads(struct __sk_buff *skb, struct notes *notes)
{
	struct packet packet = {};
	struct ends ends;
	enum found found = find(skb, ETHERNET, &packet);
	if (found == HIDDEN)
		return hidden(&packet);
	if (found == NOTHING || packet.piece == LATER)
		return PASS;
	if (packet.protocol != IPPROTO_UDP && packet.protocol != IPPROTO_TCP)
		return PASS;
	if (read_ends(skb, ETHERNET, &packet, &ends))
		return packet.piece == WHOLE ? PASS : FRAGMENT;
	if (packet.protocol == IPPROTO_UDP && is_vxlan(ends.destination))
		return NOT_UNDERLAY;
	__u32 door = packet.protocol << 16 | ends.destination;
	if (!bpf_map_lookup_elem(&doors, &door))
		return PASS;
	if (bpf_map_lookup_elem(&peers, &packet.destination) || is_for_host(skb, &packet))
		return CONTROL_PORT;
	return PASS;
}
