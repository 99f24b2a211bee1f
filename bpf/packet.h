/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Reading packets. Headers are read in place where they lie in one piece, as they do but for a few;
 * all else is copied by helper: packets may lie in pieces, and offloads hand over super-packets.
 * Offsets count from the network header, so that interfaces without Ethernet are read alike. */
#pragma once

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>

#include "maps.h"

#define inline_ static __always_inline

/* <netinet/ip.h> and <netinet/ip6.h> are not for programs like these. */
#define IPV6_HOP_BY_HOP 0
#define IPV6_ROUTING 43
#define IPV6_FRAGMENT 44
#define IPV6_AUTHENTICATION 51
#define ICMPV6 58
#define IPV6_NOTHING 59
#define IPV6_DESTINATION 60
#define IPV6_MOBILITY 135
/* RFC 8200 §4.1 knows at most seven in a row. */
#define EXTENSIONS 8

#define IPV4_HEADER 20
#define IPV6_HEADER 40

/* What frames of an interface begin with. Only behind Ethernet it is known without a helper where
 * the network header is. */
enum link { ANY, ETHERNET };

/* Copies bytes of a packet, wherever they lie. */
inline_ int load_behind(struct __sk_buff *skb, enum link link, __u32 from, void *to, __u32 length)
{
	if (link == ETHERNET)
		return bpf_skb_load_bytes(skb, ETH_HLEN + from, to, length);
	if (!bpf_skb_load_bytes_relative(skb, from, to, length, BPF_HDR_START_NET))
		return 0;
	/* This helper sees the first piece alone. */
	__u32 wanted = ETH_HLEN + from + length;
	if (bpf_skb_pull_data(skb, wanted < skb->len ? wanted : skb->len))
		return -1;
	return bpf_skb_load_bytes_relative(skb, from, to, length, BPF_HDR_START_NET);
}

/* The same, behind Ethernet. */
inline_ int load(struct __sk_buff *skb, __u32 from, void *to, __u32 length)
{
	return load_behind(skb, ETHERNET, from, to, length);
}

/* No header of interest begins behind it, unless somebody tries out what happens then. */
#define IN_PLACE 128

/* So many bytes of a packet, where they are or copied; nothing if it is shorter. What lies in place
 * is lost with the first change to the packet. */
inline_ const void *view(struct __sk_buff *skb, enum link link, __u32 from, void *copy,
			 __u32 length)
{
	if (link == ETHERNET && from <= IN_PLACE) {
		const void *there = (void *)(long)skb->data + ETH_HLEN + from;
		if (there + length <= (void *)(long)skb->data_end)
			return there;
	}
	return load_behind(skb, link, from, copy, length) ? 0 : copy;
}

/* An Ethernet header. */
struct frame {
	struct mac to;
	struct mac from;
	__be16 kind;
};

/* The header that a frame begins with. */
inline_ int read_frame(struct __sk_buff *skb, struct frame *frame)
{
	const struct frame *there = (void *)(long)skb->data;
	if ((void *)(there + 1) > (void *)(long)skb->data_end)
		return bpf_skb_load_bytes(skb, 0, frame, ETH_HLEN);
	*frame = *there;
	return 0;
}

/* Puts another header in the place of the one that a packet begins with. Before a program runs that
 * writes in place, the kernel sees to it that nobody else has the same bytes. */
inline_ int write_frame(struct __sk_buff *skb, const struct frame *frame)
{
	struct frame *there = (void *)(long)skb->data;
	if ((void *)(there + 1) > (void *)(long)skb->data_end)
		return -1;
	*there = *frame;
	return 0;
}

inline_ int is_same(const struct address *a, const struct address *b)
{
	return a->words[0] == b->words[0] && a->words[1] == b->words[1];
}

/* Without branches, so that the verifier has one way to look at and not seven. */
inline_ int is_same_mac(const struct mac *a, const struct mac *b)
{
	__u16 differs = 0;
	for (int i = 0; i < 3; i++)
		differs |= a->parts[i] ^ b->parts[i];
	return !differs;
}

inline_ void mapped(struct address *address, __be32 ipv4)
{
	address->words[0] = 0;
	address->parts[2] = bpf_htonl(0xffff);
	address->parts[3] = ipv4;
}

/* The same of bytes that lie anywhere. */
inline_ void mapped_from(struct address *address, const __u8 *bytes)
{
	__be32 ipv4;
	__builtin_memcpy(&ipv4, bytes, 4);
	mapped(address, ipv4);
}

enum piece { WHOLE, FIRST, LATER };

/* An IP packet as far as the header of its upper protocol. */
struct packet {
	struct address source;
	struct address destination;
	__u32 upper; /* where that header is */
	__u8 protocol;
	__u8 service; /* the type of service, or the traffic class */
	__u8 piece;
};

enum found {
	FOUND,
	/* Not IP, or cut off: whoever gets it drops it. */
	NOTHING,
	/* There is an upper protocol, but behind more than anybody sends, or in a later fragment. */
	HIDDEN,
};

inline_ enum found find_ipv4(struct __sk_buff *skb, enum link link, struct packet *packet)
{
	struct iphdr copy;
	const struct iphdr *header = view(skb, link, 0, &copy, IPV4_HEADER);
	if (!header || header->version != 4 || header->ihl < 5)
		return NOTHING;
	mapped(&packet->source, header->saddr);
	mapped(&packet->destination, header->daddr);
	packet->protocol = header->protocol;
	packet->service = header->tos;
	packet->upper = header->ihl * 4;
	__u16 fragment = bpf_ntohs(header->frag_off);
	packet->piece = fragment & 0x1fff ? LATER : fragment & 0x2000 ? FIRST : WHOLE;
	return FOUND;
}

/* RFC 8200 §3. */
struct ipv6 {
	__be32 first; /* version, traffic class, flow label */
	__be16 length;
	__u8 next;
	__u8 hops;
	struct address source;
	struct address destination;
};

inline_ enum found find_ipv6(struct __sk_buff *skb, enum link link, struct packet *packet)
{
	struct ipv6 copy;
	const struct ipv6 *header = view(skb, link, 0, &copy, IPV6_HEADER);
	if (!header || bpf_ntohl(header->first) >> 28 != 6)
		return NOTHING;
	packet->source = header->source;
	packet->destination = header->destination;
	packet->service = bpf_ntohl(header->first) >> 20;
	__u8 next = header->next;
	__u32 at = IPV6_HEADER;
	packet->piece = WHOLE;
	for (int i = 0; i < EXTENSIONS; i++) {
		__u8 extension[4];
		switch (next) {
		case IPV6_HOP_BY_HOP:
		case IPV6_ROUTING:
		case IPV6_FRAGMENT:
		case IPV6_AUTHENTICATION:
		case IPV6_DESTINATION:
		case IPV6_MOBILITY:
			break;
		case IPV6_NOTHING:
			return NOTHING;
		default:
			packet->protocol = next;
			packet->upper = at;
			return FOUND;
		}
		if (load_behind(skb, link, at, extension, sizeof(extension)))
			return packet->piece == WHOLE ? NOTHING : HIDDEN;
		if (next == IPV6_FRAGMENT) {
			/* Offset in units of eight bytes, two reserved bits, and M. */
			__u16 offset = extension[2] << 8 | extension[3];
			packet->piece = offset & 0xfff8 ? LATER : FIRST;
			at += 8;
		} else if (next == IPV6_AUTHENTICATION) {
			at += (extension[1] + 2) * 4;
		} else {
			at += (extension[1] + 1) * 8;
		}
		next = extension[0];
		if (packet->piece == LATER) {
			packet->protocol = next;
			packet->upper = at;
			return FOUND;
		}
	}
	return HIDDEN;
}

inline_ enum found find(struct __sk_buff *skb, enum link link, struct packet *packet)
{
	switch (skb->protocol) {
	case bpf_htons(ETH_P_IP):
		return find_ipv4(skb, link, packet);
	case bpf_htons(ETH_P_IPV6):
		return find_ipv6(skb, link, packet);
	default:
		return NOTHING;
	}
}

/* The ports of UDP or TCP, in host byte order; no answer if they are not there. */
struct ends {
	__u16 source;
	__u16 destination;
};

inline_ int read_ends(struct __sk_buff *skb, enum link link, const struct packet *packet,
		      struct ends *ends)
{
	__be16 copy[2];
	const __be16 *there = view(skb, link, packet->upper, copy, sizeof(copy));
	if (!there)
		return -1;
	ends->source = bpf_ntohs(there[0]);
	ends->destination = bpf_ntohs(there[1]);
	return 0;
}

/* The Internet checksum of a sum (RFC 1071). */
inline_ __u16 fold(__s64 sum)
{
	__u32 folded = sum;
	folded = (folded & 0xffff) + (folded >> 16);
	folded = (folded & 0xffff) + (folded >> 16);
	return ~folded;
}

/* RFC 4443 §2.3: over both addresses, the length and the protocol's number too. The header is one
 * that was just written, and all of it lies at multiples of four. */
inline_ __u16 icmpv6_checksum(__u8 *ip, __u8 *message, __u32 length)
{
	__s64 sum = bpf_htons(length) + bpf_htons(ICMPV6);
	sum = bpf_csum_diff(0, 0, (__be32 *)(ip + 8), 32, sum);
	return fold(bpf_csum_diff(0, 0, (__be32 *)message, length, sum));
}
