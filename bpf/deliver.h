/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Deliver: the frame goes into a workload's interface, or into those of all. */
#pragma once

#include "tell.h"
#include "way.h"

/* What has been taken care of: nobody else gets it, and nothing was lost. */
#define DONE 2 /* TC_ACT_SHOT */

/* Of a network on one host and towards others: more are not broadcast to. */
#define MOST_MEMBERS 256

#ifndef PACKET_HOST
#define PACKET_HOST 0
#endif

/* The other end of `interface` gets the frame, as if it had come in there. */
inline_ int hand_over(struct __sk_buff *skb, __u32 interface)
{
	/* It was for another station than the interface that it came in by. */
	if (skb->pkt_type != PACKET_HOST)
		bpf_skb_change_type(skb, PACKET_HOST);
	return bpf_redirect_peer(interface, 0);
}

inline_ int set_tunnel(struct __sk_buff *skb, __u32 vni, const struct address *to)
{
	struct bpf_tunnel_key key = { .tunnel_id = vni, .tunnel_ttl = 64 };
	__u32 zero = 0;
	struct config *known = bpf_map_lookup_elem(&config, &zero);
	if (!known)
		return -1;
	if (is_mapped(to)) {
		/* These two are in host byte order, those of IPv6 are not. */
		key.remote_ipv4 = bpf_ntohl(unmapped(to));
		key.local_ipv4 = bpf_ntohl(unmapped(&known->local));
		return bpf_skb_set_tunnel_key(skb, &key, sizeof(key), 0);
	}
	__builtin_memcpy(key.remote_ipv6, to, sizeof(*to));
	__builtin_memcpy(key.local_ipv6, &known->local, sizeof(*to));
	return bpf_skb_set_tunnel_key(skb, &key, sizeof(key), BPF_F_TUNINFO_IPV6);
}

inline_ __u32 shared_device(void)
{
	__u32 zero = 0;
	struct config *known = bpf_map_lookup_elem(&config, &zero);
	return known ? known->shared : 0;
}

/* Through the VXLAN device that all networks share: for what `encap.h` cannot wrap. */
inline_ int send_slowly(struct __sk_buff *skb, __u32 vni, const struct address *to)
{
	__u32 device = shared_device();
	if (!device || set_tunnel(skb, vni, to))
		return DONE;
	return bpf_redirect(device, 0);
}

enum reach { HERE, EVERYWHERE };

/* A copy for each member of the network but the sender; those that are here come first. */
inline_ int spread(struct __sk_buff *skb, __u32 vni, enum reach reach)
{
	struct seat seat = { .vni = vni };
	__u32 device = shared_device();
	for (int i = 0; i < MOST_MEMBERS; i++) {
		seat.number = i;
		struct home *home = bpf_map_lookup_elem(&members, &seat);
		if (!home)
			break;
		if (home->interface) {
			if (home->interface != skb->ifindex)
				bpf_clone_redirect(skb, home->interface, 0);
			continue;
		}
		if (reach == HERE || !device)
			break;
		if (!set_tunnel(skb, vni, &home->host))
			bpf_clone_redirect(skb, device, 0);
	}
	return DONE;
}
