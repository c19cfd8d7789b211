/* A clock for tests: a library to preload (LD_PRELOAD) that shows every program a wall clock which is ahead of the
 * machine's, or behind it, by SHIFT seconds, a number given when it is compiled.
 *
 * Only CLOCK_REALTIME moves. The monotonic clocks, which time-outs are measured with, stay. Where a program hands an
 * absolute time back to wait for it, the shift is taken off again, because the kernel knows nothing of it. Whether
 * such a time is a wall time is told by its size: a monotonic time is the machine's uptime, and no machine has been
 * up for 30 years.
 *
 * It reads no variable, sets none and allocates nothing: programs ask for the time before libc is ready, and Swift
 * reads its arguments from where setenv would move them. Out of its reach are the times of files, which the kernel
 * writes, and programs that ask the kernel directly, as those in Go do.
 *
 * Built and used by scripts/run-tests. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* The next library's function of the same name, found when this one is loaded. */
#define NEXT(name) ((typeof(&name))next_##name)
#define FIND(name) next_##name = dlsym(RTLD_NEXT, #name)

static void *next_clock_gettime, *next_clock_nanosleep, *next_timerfd_settime, *next_pthread_cond_timedwait,
    *next_pthread_cond_clockwait, *next_pthread_mutex_timedlock, *next_pthread_mutex_clocklock,
    *next_pthread_rwlock_timedrdlock, *next_pthread_rwlock_timedwrlock, *next_sem_timedwait, *next_sem_clockwait;

__attribute__((constructor)) static void find_next(void) {
    FIND(clock_gettime);
    FIND(clock_nanosleep);
    FIND(timerfd_settime);
    FIND(pthread_cond_timedwait);
    FIND(pthread_cond_clockwait);
    FIND(pthread_mutex_timedlock);
    FIND(pthread_mutex_clocklock);
    FIND(pthread_rwlock_timedrdlock);
    FIND(pthread_rwlock_timedwrlock);
    FIND(sem_timedwait);
    FIND(sem_clockwait);
}

/* What the machine's own clock calls an absolute time. */
static struct timespec unshifted(const struct timespec *time) {
    struct timespec machine = *time;
    if (machine.tv_sec > 1000000000) machine.tv_sec -= SHIFT;
    return machine;
}

/* Asking. */

int clock_gettime(clockid_t clock, struct timespec *now) {
    /* Libraries that are loaded before this one ask before the next function is found. */
    int failed = next_clock_gettime ? NEXT(clock_gettime)(clock, now) : (int)syscall(SYS_clock_gettime, clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += SHIFT;
    return failed;
}

int gettimeofday(struct timeval *now, void *zone) {
    struct timespec precise;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &precise)) return -1;
    *now = (struct timeval){precise.tv_sec, precise.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *now) {
    struct timespec precise;
    if (clock_gettime(CLOCK_REALTIME, &precise)) return -1;
    if (now) *now = precise.tv_sec;
    return precise.tv_sec;
}

int timespec_get(struct timespec *now, int base) {
    return base == TIME_UTC && !clock_gettime(CLOCK_REALTIME, now) ? base : 0;
}

/* Waiting. */

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *until, struct timespec *left) {
    struct timespec machine = flags & TIMER_ABSTIME ? unshifted(until) : *until;
    return NEXT(clock_nanosleep)(clock, flags, &machine, left);
}

int timerfd_settime(int timer, int flags, const struct itimerspec *new, struct itimerspec *old) {
    struct itimerspec machine = *new;
    if (flags & TFD_TIMER_ABSTIME) machine.it_value = unshifted(&new->it_value);
    return NEXT(timerfd_settime)(timer, flags, &machine, old);
}

int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until) {
    struct timespec machine = unshifted(until);
    return NEXT(pthread_cond_timedwait)(condition, mutex, &machine);
}

int pthread_cond_clockwait(
    pthread_cond_t *condition, pthread_mutex_t *mutex, clockid_t clock, const struct timespec *until) {
    struct timespec machine = unshifted(until);
    return NEXT(pthread_cond_clockwait)(condition, mutex, clock, &machine);
}

int pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *until) {
    struct timespec machine = unshifted(until);
    return NEXT(pthread_mutex_timedlock)(mutex, &machine);
}

int pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *until) {
    struct timespec machine = unshifted(until);
    return NEXT(pthread_mutex_clocklock)(mutex, clock, &machine);
}

int pthread_rwlock_timedrdlock(pthread_rwlock_t *lock, const struct timespec *until) {
    struct timespec machine = unshifted(until);
    return NEXT(pthread_rwlock_timedrdlock)(lock, &machine);
}

int pthread_rwlock_timedwrlock(pthread_rwlock_t *lock, const struct timespec *until) {
    struct timespec machine = unshifted(until);
    return NEXT(pthread_rwlock_timedwrlock)(lock, &machine);
}

int sem_timedwait(sem_t *semaphore, const struct timespec *until) {
    struct timespec machine = unshifted(until);
    return NEXT(sem_timedwait)(semaphore, &machine);
}

int sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *until) {
    struct timespec machine = unshifted(until);
    return NEXT(sem_clockwait)(semaphore, clock, &machine);
}
