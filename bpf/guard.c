/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Programs at tc ingress, for Linux 6.1 and later; io/kernel/src/guard/needs.rs keeps them from
 * those that are too old.
 *
 * The guard:
 *   underlay   interfaces that lead to other hosts
 *   workloads  bridges that lead to containers
 *   port       the host's end of a container's interface, at a bridge
 *
 * Networks without bridges; these do the guard's work too:
 *   arrival    interfaces that lead to other hosts
 *   weave      the host's end of a container's interface
 *   shared     the VXLAN device of all networks
 */
#include "weave.h"

SEC("classifier")
int underlay(struct __sk_buff *skb)
{
	struct notes notes = NO_NOTES;
	struct packet packet = {};
	return settle(skb, judge_underlay(skb, ANY, &packet, &notes), &notes);
}

SEC("classifier")
int workloads(struct __sk_buff *skb)
{
	struct notes notes = NO_NOTES;
	return settle(skb, judge_workloads(skb, &notes), &notes);
}

SEC("classifier")
int port(struct __sk_buff *skb)
{
	struct notes notes = NO_NOTES;
	struct frame frame;
	__u32 number = skb->ifindex;
	struct port *own = bpf_map_lookup_elem(&ports, &number);
	return settle(skb, judge_port(skb, own, &frame, &notes), &notes);
}

SEC("classifier")
int arrival(struct __sk_buff *skb)
{
	struct notes notes = NO_NOTES;
	struct packet packet = {};
	enum reason reason = judge_underlay(skb, ETHERNET, &packet, &notes);
	if (reason != PASS)
		return settle(skb, reason, &notes);
	return notes.vni == NO_VNI ? GO_ON : arrive(skb, &packet, &notes);
}

SEC("classifier")
int weave(struct __sk_buff *skb)
{
	struct notes notes = NO_NOTES;
	struct frame frame;
	__u32 number = skb->ifindex;
	struct port *own = bpf_map_lookup_elem(&ports, &number);
	enum reason reason = judge_port(skb, own, &frame, &notes);
	if (reason != PASS || !own)
		return settle(skb, reason, &notes);
	return leave(skb, own, &frame, &notes);
}

SEC("classifier")
int shared(struct __sk_buff *skb)
{
	struct notes notes = NO_NOTES;
	return emerge(skb, &notes);
}

/* The helpers are open to programs of this licence only; the sources are under either of theirs. */
char _license[] SEC("license") = "Dual MIT/GPL";
