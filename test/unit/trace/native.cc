// A C++ program of known stacks, as native.c.
#include <algorithm>
#include <functional>
#include <memory>
#include <vector>
#include <unistd.h>

static volatile int count;

namespace net
{

struct Base {
	virtual ~Base() = default;
	virtual void send(const char *bytes, unsigned length) = 0;
};

template <typename T, int N> class Client : public Base
{
      public:
	__attribute__((noinline)) void send(const char *bytes, unsigned length) override
	{
		count = count + getppid() + bytes[0] + (int)length; /* send */
	}
};

namespace
{
__attribute__((noinline)) void hidden()
{
	count = count + getppid(); /* hidden */
}
} // namespace

} // namespace net

int main()
{
	std::unique_ptr<net::Base> client = std::make_unique<net::Client<int, 3>>();
	std::vector<int> one = {1};

	client->send("x", 1); /* method */
	net::hidden();        /* namespace */
	// A lambda below the standard library's headers, inlined or not.
	auto add = [](int each) {
		count = count + each + getppid(); /* lambda */
	};
	std::for_each(one.begin(), one.end(), add); /* each */
	return 0;
}
