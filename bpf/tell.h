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

/* Copies bytes of the frame that matters, which may lie in pieces. */
inline_ int load_told(struct __sk_buff *skb, __u32 frame, __u32 at, void *to, __u32 length)
{
	if (frame == FROM_MAC)
		return bpf_skb_load_bytes(skb, at, to, length);
	return load_behind(skb, ANY, frame + at, to, length);
}

inline_ void describe_payload(struct __sk_buff *skb, __u32 frame, __u16 kind,
			      struct sample *sample)
{
	__u8 bytes[16];
	switch (kind) {
	case ETH_P_IP:
		if (!load_told(skb, frame, ETH_HLEN + 12, bytes, 8)) {
			mapped_from(&sample->source, bytes);
			mapped_from(&sample->destination, bytes + 4);
		}
		break;
	case ETH_P_ARP:
		if (!load_told(skb, frame, ETH_HLEN + 14, bytes, 14)) {
			mapped_from(&sample->source, bytes);
			mapped_from(&sample->destination, bytes + 10);
		}
		break;
	case ETH_P_IPV6:
		/* Both, as they lie in either. */
		load_told(skb, frame, ETH_HLEN + 8, &sample->source, 32);
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
	/* Word by word: as a whole it is copied out of a constant where nothing was found out, and clang 14
	 * then loses what was stored before it. */
	sample->outer.words[0] = notes->outer.words[0];
	sample->outer.words[1] = notes->outer.words[1];
	__u8 head[ETH_HLEN] = {};
	if (!load_told(skb, notes->frame, 0, head, sizeof(head))) {
		__builtin_memcpy(sample->destination_mac, head, 6);
		__builtin_memcpy(sample->source_mac, head + 6, 6);
		describe_payload(skb, notes->frame, head[12] << 8 | head[13], sample);
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
