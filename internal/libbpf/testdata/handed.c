/*
 * Has libbpf open an object and load it, and prints what goes to the kernel:
 * the bpf system call ends here (link with --wrap=syscall), so neither a kernel
 * that takes the programs nor a privilege is needed.
 *
 *   handed OBJECT [BTF]      resolve against a BTF file; default: the running kernel
 *
 * Output, a line each, words separated by tabs:
 *   map     DESCRIPTOR NAME TYPE KEY VALUE MAX FLAGS
 *   prog    NAME TYPE HEX
 *   failed  NAME ERROR             a program that could not be loaded
 *   open    ERROR                  libbpf does not take the object
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

long __real_syscall(long number, ...);

static int reporting;

/* The programs being loaded, in libbpf's order: the kernel has no room for long names. */
static const char *names[65536];
static int loaded;

static int descriptor(void) { return open("/dev/null", O_RDWR | O_CLOEXEC); }

static void print_program(const union bpf_attr *a)
{
	const unsigned char *b = (const unsigned char *)(unsigned long)a->insns;

	printf("prog\t%s\t%u\t", names[loaded++], a->prog_type);
	for (unsigned i = 0; i < a->insn_cnt * 8; i++)
		printf("%02x", b[i]);
	printf("\n");
}

long __wrap_syscall(long number, ...)
{
	long arg[6];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		arg[i] = va_arg(list, long);
	va_end(list);
	if (number != __NR_bpf)
		return __real_syscall(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);

	union bpf_attr *a = (union bpf_attr *)arg[1];
	int fd;

	switch (arg[0]) {
	case BPF_MAP_CREATE:
		fd = descriptor();
		if (reporting && a->map_name[0])
			printf("map\t%d\t%s\t%u\t%u\t%u\t%u\t%u\n", fd, a->map_name, a->map_type,
			       a->key_size, a->value_size, a->max_entries, a->map_flags);
		return fd;
	case BPF_PROG_LOAD:
		if (reporting && a->prog_name[0] && strcmp(a->prog_name, "libbpf_nametest"))
			print_program(a);
		return descriptor();
	case BPF_BTF_LOAD:
		return descriptor();
	case BPF_MAP_UPDATE_ELEM:
	case BPF_MAP_FREEZE:
	case BPF_PROG_BIND_MAP:
		return 0;
	case BPF_MAP_LOOKUP_ELEM:
	case BPF_OBJ_GET:
	default:
		errno = ENOENT;
		return -1;
	}
}

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	return getenv("VERBOSE") ? vfprintf(stderr, format, args) : 0;
}

/*
 * Loads all programs, or the one of that name, if retargeted as one that is
 * attached to a function that every kernel has.
 */
static int load(const char *path, const char *btf, const char *only, int retarget)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = btf);
	struct bpf_object *obj = bpf_object__open_file(path, &opts);
	struct bpf_program *p;
	struct bpf_map *m;

	if (!obj) {
		printf("open\t%s\n", strerror(errno));
		return 0;
	}
	bpf_object__for_each_map(m, obj) {
		bpf_map__set_pin_path(m, NULL);
	}
	int n = loaded = 0;
	bpf_object__for_each_program(p, obj) {
		int chosen = !only || !strcmp(only, bpf_program__name(p));

		bpf_program__set_autoload(p, chosen);
		if (chosen && n + 1 < (int)(sizeof(names) / sizeof(names[0])))
			names[n++] = bpf_program__name(p);
		if (bpf_program__type(p) == BPF_PROG_TYPE_UNSPEC)
			bpf_program__set_type(p, BPF_PROG_TYPE_SOCKET_FILTER);
		if (retarget && chosen) {
			bpf_program__set_type(p, BPF_PROG_TYPE_TRACING);
			bpf_program__set_expected_attach_type(p, BPF_TRACE_FENTRY);
			bpf_program__set_attach_target(p, 0, "schedule");
		}
	}
	reporting = 1;
	int err = bpf_object__load(obj);
	reporting = 0;
	if (err && retarget)
		printf("failed\t%s\t%s\n", only, strerror(-err));
	bpf_object__close(obj);
	return err;
}

int main(int argc, char **argv)
{
	const char *btf = argc > 2 ? argv[2] : NULL;
	struct bpf_object *obj;
	struct bpf_program *p;

	libbpf_set_print(quiet);
	if (!load(argv[1], btf, NULL, 0))
		return 0;
	/* One program spoils all: each alone, after what has been printed. */
	printf("again\n");
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = btf);
	obj = bpf_object__open_file(argv[1], &opts);
	bpf_object__for_each_program(p, obj)
		if (load(argv[1], btf, bpf_program__name(p), 0))
			load(argv[1], btf, bpf_program__name(p), 1);
	return 0;
}
