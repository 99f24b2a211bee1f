/* A user-mode Linux on processors that it does not know of.
 *
 * Linux takes back a traced process's registers only if they are all there: xstateregs_set of
 * arch/x86/kernel/fpu/regset.c refuses any other length. User-mode Linux 6.1 has room for 2,696
 * bytes of them, and a processor with AMX has 11,008: its first process would die as it starts.
 * Preloaded, this gives it as many as it has room for, and puts them back in front of the rest.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

typedef long (*tracer)(enum __ptrace_request request, ...);

static size_t smaller(size_t one, size_t other)
{
	return one < other ? one : other;
}

long ptrace(enum __ptrace_request request, ...)
{
	static tracer next;
	static char all[1 << 16];
	struct iovec whole = { all, sizeof(all) };
	struct iovec *asked;
	size_t length;
	void *address;
	va_list rest;
	long failed;
	int pid;

	va_start(rest, request);
	pid = va_arg(rest, int);
	address = va_arg(rest, void *);
	asked = va_arg(rest, void *);
	va_end(rest);

	if (!next)
		next = (tracer)dlsym(RTLD_NEXT, "ptrace");
	if (address != (void *)NT_X86_XSTATE ||
	    (request != PTRACE_GETREGSET && request != PTRACE_SETREGSET))
		return next(request, pid, address, asked);

	failed = next(PTRACE_GETREGSET, pid, address, &whole);
	if (failed)
		return failed;
	length = smaller(asked->iov_len, whole.iov_len);
	if (request == PTRACE_GETREGSET) {
		memcpy(asked->iov_base, all, length);
		asked->iov_len = length;
		return 0;
	}
	memcpy(all, asked->iov_base, length);
	return next(PTRACE_SETREGSET, pid, address, &whole);
}
