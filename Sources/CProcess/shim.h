#ifdef __linux__
#include <sys/prctl.h>
#endif

/* prctl takes a variable number of arguments, which Swift cannot call. */
static inline int k3seed_forbid_dumps(void) {
#ifdef __linux__
  return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#else
  return 0;
#endif
}
