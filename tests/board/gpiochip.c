/* GPIO character devices for tests, loaded into the program with LD_PRELOAD: few kernels that run tests
 * have any, and a regular file answers no ioctl.
 *
 * /dev/gpiochipN is a file that holds its chip's label. What is done to lines goes into the file $GPIO_RECORD,
 * a line of text each: "hold output 17=0 22=0" and "set 17=1 22=0", with logical values. $GPIO_HELD is the
 * number of a line that somebody else has.
 *
 * The layouts are the kernel's own. Not faked: the kernel's checks of a request, and electricity.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct gpio_v2_line_request held; /* one at a time is all that the program asks for */

static void record(int fd, const char *what, unsigned long long mask, unsigned long long values)
{
	char line[1024];
	int length = sprintf(line, "%s", what);

	for (unsigned i = 0; i < held.num_lines; i++)
		if (mask >> i & 1)
			length += sprintf(line + length, " %u=%u", held.offsets[i],
					  (unsigned)(values >> i & 1));
	line[length++] = '\n';
	if (write(fd, line, length) != length)
		abort();
}

static int is_held(unsigned line)
{
	const char *number = getenv("GPIO_HELD");

	return number && strtoul(number, NULL, 10) == line;
}

static int get_line(struct gpio_v2_line_request *asked)
{
	unsigned long long values = 0;
	char what[64];

	for (unsigned i = 0; i < asked->num_lines; i++)
		if (is_held(asked->offsets[i])) {
			errno = EBUSY;
			return -1;
		}
	asked->fd = open(getenv("GPIO_RECORD"), O_WRONLY | O_CREAT | O_APPEND, 0666);
	held = *asked;
	for (unsigned i = 0; i < held.config.num_attrs; i++)
		if (held.config.attrs[i].attr.id == GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES)
			values = held.config.attrs[i].attr.values;
	sprintf(what, "hold%s%s",
		held.config.flags & GPIO_V2_LINE_FLAG_OUTPUT ? " output" : "",
		held.config.flags & GPIO_V2_LINE_FLAG_ACTIVE_LOW ? " active-low" : "");
	record(asked->fd, what, ~0ULL, values);
	return 0;
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;
	void *argument;

	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	switch (request) {
	case GPIO_GET_CHIPINFO_IOCTL: {
		struct gpiochip_info *info = argument;

		memset(info, 0, sizeof(*info));
		info->lines = 54;
		return pread(fd, info->label, sizeof(info->label) - 1, 0) < 0 ? -1 : 0;
	}
	case GPIO_V2_GET_LINEINFO_IOCTL: {
		struct gpio_v2_line_info *info = argument;

		info->flags = GPIO_V2_LINE_FLAG_INPUT;
		if (is_held(info->offset)) {
			info->flags |= GPIO_V2_LINE_FLAG_USED;
			strcpy(info->consumer, "fan");
		}
		return 0;
	}
	case GPIO_V2_GET_LINE_IOCTL:
		return get_line(argument);
	case GPIO_V2_LINE_SET_VALUES_IOCTL: {
		struct gpio_v2_line_values *set = argument;

		record(fd, "set", set->mask, set->bits);
		return 0;
	}
	default:
		return syscall(SYS_ioctl, fd, request, argument);
	}
}
