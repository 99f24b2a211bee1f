/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Ports of workloads: what a workload sends is its own. */
#pragma once

#include "tell.h"

#define ROUTER_SOLICITATION 133
#define ADVERTISES_ROUTER 134
#define NEIGHBOR_SOLICITATION 135
#define NEIGHBOR_ADVERTISEMENT 136
#define REDIRECT 137
#define LISTENER_REPORT 131
#define LISTENER_DONE 132
#define LISTENER_REPORT_2 143
#define SOURCE_LINK_LAYER 1
#define TARGET_LINK_LAYER 2
/* Messages carry a link-layer address and a nonce; nobody sends more. */
#define OPTIONS 4

#define DHCP_SERVER_PORT 67
#define DHCP_CLIENT_PORT 68
#define DHCPV6_SERVER_PORT 547

inline_ int is_nobody(const struct address *address)
{
	return !address->words[0] && !address->words[1];
}

inline_ int is_own(const struct port *port, const struct address *address)
{
	if (is_nobody(address))
		return 0;
	if (port->forwards)
		return 1;
	for (int i = 0; i < OWN_ADDRESSES; i++)
		if (is_same(&port->own[i], address))
			return 1;
	return 0;
}

/* 0.0.0.0, mapped. */
inline_ int is_unset(const struct address *ipv4)
{
	const __u8 *bytes = ipv4->bytes + 12;
	return !bytes[0] && !bytes[1] && !bytes[2] && !bytes[3];
}

/* RFC 826, for Ethernet and IPv4. */
inline_ enum reason judge_arp(struct __sk_buff *skb, const struct port *port)
{
	__u8 arp[28] __attribute__((aligned(4)));
	struct address sender;
	if (load(skb, 0, arp, sizeof(arp)))
		return SPOOFED_ARP;
	if (arp[0] || arp[1] != 1 || arp[2] != 8 || arp[3] || arp[4] != 6 || arp[5] != 4)
		return SPOOFED_ARP;
	if (!is_same_mac((const struct mac *)(arp + 8), &port->mac))
		return SPOOFED_ARP;
	mapped_from(&sender, arp + 14);
	/* A question from nobody looks whether an address is free (RFC 5227). */
	int asks = !arp[6] && arp[7] == 1;
	return (asks && is_unset(&sender)) || is_own(port, &sender) ? PASS : SPOOFED_ARP;
}

inline_ enum reason judge_ipv4(struct __sk_buff *skb, const struct port *port)
{
	struct packet packet = {};
	struct ends ends = {};
	if (find_ipv4(skb, ETHERNET, &packet) != FOUND)
		return SPOOFED_ADDRESS;
	int udp = packet.protocol == IPPROTO_UDP && packet.piece != LATER;
	if (udp && read_ends(skb, ETHERNET, &packet, &ends) && packet.piece == FIRST)
		return SPOOFED_ADDRESS;
	if (udp && ends.source == DHCP_SERVER_PORT)
		return DHCP_SERVER;
	if (is_own(port, &packet.source))
		return PASS;
	int asks = udp && ends.source == DHCP_CLIENT_PORT && ends.destination == DHCP_SERVER_PORT;
	return asks && is_unset(&packet.source) ? PASS : SPOOFED_ADDRESS;
}

/* RFC 4861 §4.6: type, length in units of eight bytes, and for two types an address. */
inline_ enum reason judge_options(struct __sk_buff *skb, const struct port *port, __u32 at)
{
	for (int i = 0; i < OPTIONS; i++) {
		__u8 option[8] __attribute__((aligned(4)));
		if (at >= skb->len || load(skb, at, option, 1))
			return PASS;
		if (load(skb, at, option, sizeof(option)) || !option[1])
			return SPOOFED_ND;
		if (option[0] == SOURCE_LINK_LAYER || option[0] == TARGET_LINK_LAYER)
			if (option[1] != 1 || !is_same_mac((const struct mac *)(option + 2), &port->mac))
				return SPOOFED_ND;
		at += option[1] * 8;
	}
	return load(skb, at, &at, 1) ? PASS : SPOOFED_ND;
}

inline_ enum reason judge_nd(struct __sk_buff *skb, const struct port *port,
			     const struct packet *packet, __u8 kind)
{
	__u32 options = packet->upper + 8;
	/* RFC 6980: nobody takes it in pieces, so nobody has to send it so. */
	if (packet->piece != WHOLE)
		return SPOOFED_ND;
	if (kind != ROUTER_SOLICITATION) {
		struct address target;
		if (load(skb, options, &target, sizeof(target)))
			return SPOOFED_ND;
		/* An answer is about oneself, and so is a question from nobody. */
		if (kind == NEIGHBOR_ADVERTISEMENT || is_nobody(&packet->source))
			if (!is_own(port, &target))
				return SPOOFED_ND;
		options += sizeof(target);
	}
	return judge_options(skb, port, options);
}

inline_ enum reason judge_icmpv6(struct __sk_buff *skb, const struct port *port,
				 const struct packet *packet)
{
	__u8 kind;
	if (load(skb, packet->upper, &kind, 1))
		return packet->piece == WHOLE ? PASS : SPOOFED_ND;
	switch (kind) {
	case ADVERTISES_ROUTER:
		return ROUTER_ADVERTISEMENT;
	case REDIRECT:
		return SPOOFED_ND;
	case ROUTER_SOLICITATION:
	case NEIGHBOR_SOLICITATION:
	case NEIGHBOR_ADVERTISEMENT:
		return judge_nd(skb, port, packet, kind);
	case LISTENER_REPORT:
	case LISTENER_DONE:
	case LISTENER_REPORT_2:
		return PASS;
	default:
		return is_nobody(&packet->source) ? SPOOFED_ADDRESS : PASS;
	}
}

inline_ enum reason judge_ipv6(struct __sk_buff *skb, const struct port *port)
{
	struct packet packet = {};
	struct ends ends = {};
	if (!port->ipv6)
		return IPV6_OFF;
	enum found found = find_ipv6(skb, ETHERNET, &packet);
	/* Nobody has no business but to listen (RFC 4861) and to say what it listens to (RFC 3590). */
	int nobody = is_nobody(&packet.source) && packet.protocol == ICMPV6;
	if (!(nobody && packet.piece == WHOLE) && !is_own(port, &packet.source))
		return SPOOFED_ADDRESS;
	if (found == HIDDEN)
		return SPOOFED_ND;
	if (found == NOTHING || packet.piece == LATER)
		return PASS;
	if (packet.protocol == ICMPV6)
		return judge_icmpv6(skb, port, &packet);
	if (packet.protocol != IPPROTO_UDP)
		return PASS;
	if (read_ends(skb, ETHERNET, &packet, &ends))
		return packet.piece == WHOLE ? PASS : SPOOFED_ADDRESS;
	return ends.source == DHCPV6_SERVER_PORT ? DHCP_SERVER : PASS;
}

/* Judges what came in by `port`, and reads the frame's header on the way. */
inline_ enum reason judge_port(struct __sk_buff *skb, const struct port *port,
			       struct frame *frame, struct notes *notes)
{
	if (!port || read_frame(skb, frame))
		return SPOOFED_MAC;
	notes->vni = port->vni;
	if (skb->vlan_present || !is_same_mac(&frame->from, &port->mac))
		return SPOOFED_MAC;
	switch (bpf_ntohs(frame->kind)) {
	case ETH_P_ARP:
		return judge_arp(skb, port);
	case ETH_P_IP:
		return judge_ipv4(skb, port);
	case ETH_P_IPV6:
		return judge_ipv6(skb, port);
	case ETH_P_8021Q:
	case ETH_P_8021AD:
	case ETH_P_QINQ1:
	case ETH_P_QINQ2:
	case ETH_P_QINQ3:
		return SPOOFED_MAC;
	default:
		return PASS;
	}
}
