/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Reading packets. Every read is a copy by helper: packets may lie in pieces, and offloads hand
 * over super-packets. Offsets count from the network header, so that interfaces without Ethernet
 * are read alike. */
#pragma once

#include <linux/if_ether.h>
#include <linux/in.h>
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

inline_ int load(struct __sk_buff *skb, __u32 from, void *to, __u32 length)
{
	return bpf_skb_load_bytes_relative(skb, from, to, length, BPF_HDR_START_NET);
}

inline_ int is_same(const struct address *a, const struct address *b)
{
	return a->words[0] == b->words[0] && a->words[1] == b->words[1];
}

/* Without branches, so that the verifier has one way to look at and not seven. */
inline_ int is_same_mac(const __u8 *a, const __u8 *b)
{
	__u8 differs = 0;
	for (int i = 0; i < ETH_ALEN; i++)
		differs |= a[i] ^ b[i];
	return !differs;
}

inline_ void mapped(struct address *address, const __u8 *ipv4)
{
	__builtin_memset(address, 0, 10);
	address->bytes[10] = address->bytes[11] = 0xff;
	__builtin_memcpy(address->bytes + 12, ipv4, 4);
}

enum piece { WHOLE, FIRST, LATER };

/* An IP packet as far as the header of its upper protocol. */
struct packet {
	struct address source;
	struct address destination;
	__u32 upper; /* where that header is */
	__u8 protocol;
	__u8 piece;
};

enum found {
	FOUND,
	/* Not IP, or cut off: whoever gets it drops it. */
	NOTHING,
	/* There is an upper protocol, but behind more than anybody sends, or in a later fragment. */
	HIDDEN,
};

inline_ enum found find_ipv4(struct __sk_buff *skb, struct packet *packet)
{
	__u8 header[IPV4_HEADER];
	if (load(skb, 0, header, sizeof(header)) || header[0] >> 4 != 4 || (header[0] & 15) < 5)
		return NOTHING;
	mapped(&packet->source, header + 12);
	mapped(&packet->destination, header + 16);
	packet->protocol = header[9];
	packet->upper = (header[0] & 15) * 4;
	__u16 fragment = header[6] << 8 | header[7];
	packet->piece = fragment & 0x1fff ? LATER : fragment & 0x2000 ? FIRST : WHOLE;
	return FOUND;
}

inline_ enum found find_ipv6(struct __sk_buff *skb, struct packet *packet)
{
	__u8 header[IPV6_HEADER];
	if (load(skb, 0, header, sizeof(header)) || header[0] >> 4 != 6)
		return NOTHING;
	__builtin_memcpy(&packet->source, header + 8, 16);
	__builtin_memcpy(&packet->destination, header + 24, 16);
	__u8 next = header[6];
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
		if (load(skb, at, extension, sizeof(extension)))
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

inline_ enum found find(struct __sk_buff *skb, struct packet *packet)
{
	switch (skb->protocol) {
	case bpf_htons(ETH_P_IP):
		return find_ipv4(skb, packet);
	case bpf_htons(ETH_P_IPV6):
		return find_ipv6(skb, packet);
	default:
		return NOTHING;
	}
}

/* The ports of UDP or TCP, in host byte order; no answer if they are not there. */
struct ends {
	__u16 source;
	__u16 destination;
};

inline_ int read_ends(struct __sk_buff *skb, const struct packet *packet, struct ends *ends)
{
	__u8 bytes[4];
	if (load(skb, packet->upper, bytes, sizeof(bytes)))
		return -1;
	ends->source = bytes[0] << 8 | bytes[1];
	ends->destination = bytes[2] << 8 | bytes[3];
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
