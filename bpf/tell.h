/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The end of a judgement: a dropped packet is counted, and some are told. */
#pragma once

#include "packet.h"

/* The next program in line decides (TCX_NEXT; by clsact TC_ACT_UNSPEC). */
#define GO_ON (-1)
#define DROP 2 /* TC_ACT_SHOT */

#define FROM_MAC 0xffffffff

/* What was found out on the way to a judgement. */
struct notes {
	__u32 vni;
	__u32 frame; /* where the frame begins that matters, or FROM_MAC: the one that came in */
	struct address outer;
};

#define NO_NOTES { .vni = NO_VNI, .frame = FROM_MAC }

inline_ void describe_payload(struct __sk_buff *skb, __u32 from, __u32 at, __u16 kind,
			      struct sample *sample)
{
	__u8 bytes[16];
	switch (kind) {
	case ETH_P_IP:
		if (!bpf_skb_load_bytes_relative(skb, at + 12, bytes, 8, from)) {
			mapped_from(&sample->source, bytes);
			mapped_from(&sample->destination, bytes + 4);
		}
		break;
	case ETH_P_ARP:
		if (!bpf_skb_load_bytes_relative(skb, at + 14, bytes, 14, from)) {
			mapped_from(&sample->source, bytes);
			mapped_from(&sample->destination, bytes + 10);
		}
		break;
	case ETH_P_IPV6:
		bpf_skb_load_bytes_relative(skb, at + 8, &sample->source, 16, from);
		bpf_skb_load_bytes_relative(skb, at + 24, &sample->destination, 16, from);
		break;
	}
}

inline_ void tell(struct __sk_buff *skb, __u32 reason, const struct notes *notes)
{
	struct told *limit = bpf_map_lookup_elem(&told, &reason);
	if (!limit)
		return;
	__u64 now = bpf_ktime_get_ns();
	/* Two processors may both count from the start: some samples more do no harm. */
	if (limit->window != now >> 30) {
		limit->window = now >> 30;
		limit->count = 0;
	}
	if (limit->count >= TOLD_A_WINDOW)
		return;
	limit->count++;
	struct sample *sample = bpf_ringbuf_reserve(&samples, sizeof(*sample), 0);
	if (!sample)
		return;
	__builtin_memset(sample, 0, sizeof(*sample));
	sample->at = now;
	sample->reason = reason;
	sample->ifindex = skb->ifindex;
	sample->vni = notes->vni;
	sample->length = skb->len;
	sample->outer = notes->outer;
	__u32 from = notes->frame == FROM_MAC ? BPF_HDR_START_MAC : BPF_HDR_START_NET;
	__u32 at = notes->frame == FROM_MAC ? 0 : notes->frame;
	__u8 frame[ETH_HLEN] = {};
	if (!bpf_skb_load_bytes_relative(skb, at, frame, sizeof(frame), from)) {
		__builtin_memcpy(sample->destination_mac, frame, 6);
		__builtin_memcpy(sample->source_mac, frame + 6, 6);
		describe_payload(skb, from, at + ETH_HLEN, frame[12] << 8 | frame[13], sample);
	}
	bpf_ringbuf_submit(sample, 0);
}

inline_ int settle(struct __sk_buff *skb, __u32 reason, const struct notes *notes)
{
	if (reason == PASS)
		return GO_ON;
	__u64 *counter = bpf_map_lookup_elem(&drops, &reason);
	if (counter)
		(*counter)++;
	tell(skb, reason, notes);
	return DROP;
}
