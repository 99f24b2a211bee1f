/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Underlay: the host's own routing says how another host is reached.
 *
 * To ask it for each packet costs more than all the rest, so an answer is good for a moment. The
 * first packet after that takes the long way through the neighbour table, which sees by it that
 * the neighbour is in use, and probes it when it is due (RFC 4861 §7.3). */
#pragma once

#include "packet.h"

#ifndef AF_INET
#define AF_INET 2
#define AF_INET6 10
#endif

/* An MTU that nothing exceeds. */
#define MOST 0xffff
#define MOMENT (100 * 1000 * 1000ULL)

enum { WAY_UNKNOWN, WAY_NEIGHBOR_UNKNOWN, WAY_OPEN, WAY_SHUT };

/* What is left of an address of which `is_mapped` holds. */
inline_ __be32 unmapped(const struct address *address)
{
	return address->parts[3];
}

inline_ int is_mapped(const struct address *address)
{
	return !address->words[0] && (__u32)address->words[1] == bpf_htonl(0xffff);
}

/* Packets come in by `skb`'s interface, which forwards: see `World::let_forward`. */
inline_ void ask_routes(struct __sk_buff *skb, struct way *way, __u32 from, __u32 to)
{
	/* tot_len: so that the answer has the way's MTU; ihl and the like are not looked at. */
	struct bpf_fib_lookup route = {
		.family = AF_INET,
		.l4_protocol = IPPROTO_UDP,
		.tot_len = IPV4_HEADER,
		.ipv4_src = from,
		.ipv4_dst = to,
		.ifindex = skb->ifindex,
	};
	switch (bpf_fib_lookup(skb, &route, sizeof(route), 0)) {
	case BPF_FIB_LKUP_RET_SUCCESS:
		way->state = WAY_OPEN;
		__builtin_memcpy(&way->to, route.dmac, ETH_ALEN);
		__builtin_memcpy(&way->from, route.smac, ETH_ALEN);
		break;
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		/* No MTU either: the next packet asks anew. */
		way->state = WAY_NEIGHBOR_UNKNOWN;
		way->until = way->tick = 0;
		route.mtu_result = MOST;
		break;
	case BPF_FIB_LKUP_RET_BLACKHOLE:
	case BPF_FIB_LKUP_RET_UNREACHABLE:
	case BPF_FIB_LKUP_RET_PROHIBIT:
		way->state = WAY_SHUT;
		return;
	default:
		way->state = WAY_UNKNOWN;
		return;
	}
	way->interface = route.ifindex;
	way->gateway = route.ipv4_dst;
	way->mtu = route.mtu_result;
}

struct found_way {
	struct way *way;
	int fresh; /* just asked for: the neighbour table is to see the packet */
};

inline_ struct found_way find_way(struct __sk_buff *skb, const struct address *to, __u32 from)
{
	struct found_way found = { .way = bpf_map_lookup_elem(&ways, to) };
	if (!found.way) {
		struct way none = {};
		bpf_map_update_elem(&ways, to, &none, BPF_NOEXIST);
		found.way = bpf_map_lookup_elem(&ways, to);
	}
	/* The coarse clock goes on with the timer: to ask it once a tick is as good. */
	__u64 tick = bpf_jiffies64();
	if (!found.way || found.way->tick == tick)
		return found;
	__u64 now = bpf_ktime_get_coarse_ns();
	found.way->tick = tick;
	if (found.way->until <= now) {
		found.way->until = now + MOMENT;
		found.fresh = 1;
		ask_routes(skb, found.way, from, unmapped(to));
	}
	return found;
}
