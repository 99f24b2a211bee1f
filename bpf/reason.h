/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Why a packet is dropped: the words of core/path/src/dropped.rs in capitals.
 *
 * The number is the place of the counter, so a new reason goes to the end. */
#pragma once

enum reason {
	PASS,
	NOT_UNDERLAY,
	FRAGMENT,
	BAD_HEADER,
	UNKNOWN_PEER,
	UNKNOWN_VNI,
	NOT_OWNER,
	CONTROL_PORT,
	SPOOFED_MAC,
	SPOOFED_ADDRESS,
	SPOOFED_ARP,
	SPOOFED_ND,
	ROUTER_ADVERTISEMENT,
	DHCP_SERVER,
	IPV6_OFF,
	UNKNOWN_ADDRESS,
	NO_HOME,
	TOO_BIG,
	HOST_UNREACHABLE,
	NO_PORT,
	REASONS,
};
