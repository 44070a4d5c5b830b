// What compilers make of data: all the sections and references there are.
struct pair {
	int a;
	const char *name;
};

static int counter;
int zeroed[16];
int filled = 42;
const int table[] = {1, 2, 3, 5, 8};
static const char *names[] = {"one", "two", "three"};
struct pair pairs[] = {{1, "uno"}, {2, "dos"}};
int (*const functions[])(int);
__attribute__((weak)) int maybe = 7;
__attribute__((section(".data.custom"))) long custom = -1;
__attribute__((visibility("hidden"))) short hidden_one = 3;
static volatile unsigned char flags[3] = {1, 0, 255};

static __attribute__((noinline)) int local(int x)
{
	counter += x;
	return counter + flags[x & 1];
}

__attribute__((noinline)) int shared(int x)
{
	return local(x) * filled;
}

__attribute__((weak, noinline)) int replaceable(int x)
{
	return x + maybe;
}

static __attribute__((noinline, section("other"))) int elsewhere(int x)
{
	return local(x) + shared(x) + table[x & 3];
}

__attribute__((section("xdp"))) int first(void *ctx)
{
	int sum = zeroed[1];
	for (int i = 0; i < 3; i++)
		sum += names[i][0] + pairs[i & 1].name[1];
	return sum + elsewhere(sum) + replaceable(hidden_one);
}

__attribute__((section("tc"))) int second(void *ctx)
{
	return local(3) + shared(4) + (int)custom;
}

char LICENSE[] __attribute__((section("license"))) = "GPL\t\"quoted\" \\ \001\377";
