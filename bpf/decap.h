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

/* RFC 7348 §5: flags, of which only I is set, 24 reserved bits, VNI, 8 reserved bits. */
inline_ int is_proper(const __u8 *vxlan)
{
	return vxlan[0] == 8 && !vxlan[1] && !vxlan[2] && !vxlan[3] && !vxlan[7];
}

inline_ enum reason judge_vxlan(struct __sk_buff *skb, const struct packet *packet,
				struct notes *notes)
{
	__u8 bytes[VXLAN_HEADER + ETH_HLEN];
	if (packet->piece != WHOLE)
		return FRAGMENT;
	if (load(skb, packet->upper + UDP_HEADER, bytes, sizeof(bytes)))
		return BAD_HEADER;
	notes->vni = bytes[4] << 16 | bytes[5] << 8 | bytes[6];
	notes->frame = packet->upper + UDP_HEADER + VXLAN_HEADER;
	if (!is_proper(bytes))
		return BAD_HEADER;
	if (!bpf_map_lookup_elem(&peers, &packet->source))
		return UNKNOWN_PEER;
	/* Network 0 is nobody's: members probe the way with it, and the kernel has no use for it. */
	if (!notes->vni)
		return PASS;
	if (!bpf_map_lookup_elem(&vnis, &notes->vni))
		return UNKNOWN_VNI;
	struct station station = { .vni = notes->vni };
	__builtin_memcpy(station.mac, bytes + VXLAN_HEADER + ETH_ALEN, ETH_ALEN);
	struct home *home = bpf_map_lookup_elem(&homes, &station);
	if (!home || !is_same(&home->host, &packet->source))
		return NOT_OWNER;
	return PASS;
}

inline_ enum reason judge_underlay(struct __sk_buff *skb, struct notes *notes)
{
	struct packet packet = {};
	struct ends ends;
	enum found found = find(skb, &packet);
	notes->outer = packet.source;
	if (found == HIDDEN)
		return hidden(&packet);
	if (found == NOTHING || packet.protocol != IPPROTO_UDP || packet.piece == LATER)
		return PASS;
	if (read_ends(skb, &packet, &ends))
		return packet.piece == WHOLE ? PASS : FRAGMENT;
	return is_vxlan(ends.destination) ? judge_vxlan(skb, &packet, notes) : PASS;
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
	enum found found = find(skb, &packet);
	if (found == HIDDEN)
		return hidden(&packet);
	if (found == NOTHING || packet.piece == LATER)
		return PASS;
	if (packet.protocol != IPPROTO_UDP && packet.protocol != IPPROTO_TCP)
		return PASS;
	if (read_ends(skb, &packet, &ends))
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
