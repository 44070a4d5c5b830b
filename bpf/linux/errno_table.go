package linux

// The error numbers of include/uapi/asm-generic/errno-base.h and errno.h, and
// ENOTSUPP of the kernel's own include/linux/errno.h, which BPF lets out.
const (
	EPERM           Errno = 1
	ENOENT          Errno = 2
	ESRCH           Errno = 3
	EINTR           Errno = 4
	EIO             Errno = 5
	ENXIO           Errno = 6
	E2BIG           Errno = 7
	ENOEXEC         Errno = 8
	EBADF           Errno = 9
	ECHILD          Errno = 10
	EAGAIN          Errno = 11
	ENOMEM          Errno = 12
	EACCES          Errno = 13
	EFAULT          Errno = 14
	ENOTBLK         Errno = 15
	EBUSY           Errno = 16
	EEXIST          Errno = 17
	EXDEV           Errno = 18
	ENODEV          Errno = 19
	ENOTDIR         Errno = 20
	EISDIR          Errno = 21
	EINVAL          Errno = 22
	ENFILE          Errno = 23
	EMFILE          Errno = 24
	ENOTTY          Errno = 25
	ETXTBSY         Errno = 26
	EFBIG           Errno = 27
	ENOSPC          Errno = 28
	ESPIPE          Errno = 29
	EROFS           Errno = 30
	EMLINK          Errno = 31
	EPIPE           Errno = 32
	EDOM            Errno = 33
	ERANGE          Errno = 34
	EDEADLK         Errno = 35
	ENAMETOOLONG    Errno = 36
	ENOLCK          Errno = 37
	ENOSYS          Errno = 38
	ENOTEMPTY       Errno = 39
	ELOOP           Errno = 40
	ENOMSG          Errno = 42
	EIDRM           Errno = 43
	ECHRNG          Errno = 44
	EL2NSYNC        Errno = 45
	EL3HLT          Errno = 46
	EL3RST          Errno = 47
	ELNRNG          Errno = 48
	EUNATCH         Errno = 49
	ENOCSI          Errno = 50
	EL2HLT          Errno = 51
	EBADE           Errno = 52
	EBADR           Errno = 53
	EXFULL          Errno = 54
	ENOANO          Errno = 55
	EBADRQC         Errno = 56
	EBADSLT         Errno = 57
	EBFONT          Errno = 59
	ENOSTR          Errno = 60
	ENODATA         Errno = 61
	ETIME           Errno = 62
	ENOSR           Errno = 63
	ENONET          Errno = 64
	ENOPKG          Errno = 65
	EREMOTE         Errno = 66
	ENOLINK         Errno = 67
	EADV            Errno = 68
	ESRMNT          Errno = 69
	ECOMM           Errno = 70
	EPROTO          Errno = 71
	EMULTIHOP       Errno = 72
	EDOTDOT         Errno = 73
	EBADMSG         Errno = 74
	EOVERFLOW       Errno = 75
	ENOTUNIQ        Errno = 76
	EBADFD          Errno = 77
	EREMCHG         Errno = 78
	ELIBACC         Errno = 79
	ELIBBAD         Errno = 80
	ELIBSCN         Errno = 81
	ELIBMAX         Errno = 82
	ELIBEXEC        Errno = 83
	EILSEQ          Errno = 84
	ERESTART        Errno = 85
	ESTRPIPE        Errno = 86
	EUSERS          Errno = 87
	ENOTSOCK        Errno = 88
	EDESTADDRREQ    Errno = 89
	EMSGSIZE        Errno = 90
	EPROTOTYPE      Errno = 91
	ENOPROTOOPT     Errno = 92
	EPROTONOSUPPORT Errno = 93
	ESOCKTNOSUPPORT Errno = 94
	EOPNOTSUPP      Errno = 95
	EPFNOSUPPORT    Errno = 96
	EAFNOSUPPORT    Errno = 97
	EADDRINUSE      Errno = 98
	EADDRNOTAVAIL   Errno = 99
	ENETDOWN        Errno = 100
	ENETUNREACH     Errno = 101
	ENETRESET       Errno = 102
	ECONNABORTED    Errno = 103
	ECONNRESET      Errno = 104
	ENOBUFS         Errno = 105
	EISCONN         Errno = 106
	ENOTCONN        Errno = 107
	ESHUTDOWN       Errno = 108
	ETOOMANYREFS    Errno = 109
	ETIMEDOUT       Errno = 110
	ECONNREFUSED    Errno = 111
	EHOSTDOWN       Errno = 112
	EHOSTUNREACH    Errno = 113
	EALREADY        Errno = 114
	EINPROGRESS     Errno = 115
	ESTALE          Errno = 116
	EUCLEAN         Errno = 117
	ENOTNAM         Errno = 118
	ENAVAIL         Errno = 119
	EISNAM          Errno = 120
	EREMOTEIO       Errno = 121
	EDQUOT          Errno = 122
	ENOMEDIUM       Errno = 123
	EMEDIUMTYPE     Errno = 124
	ECANCELED       Errno = 125
	ENOKEY          Errno = 126
	EKEYEXPIRED     Errno = 127
	EKEYREVOKED     Errno = 128
	EKEYREJECTED    Errno = 129
	EOWNERDEAD      Errno = 130
	ENOTRECOVERABLE Errno = 131
	ERFKILL         Errno = 132
	EHWPOISON       Errno = 133
	ENOTSUPP        Errno = 524
)

// errnoTable is indexed by error number; the rows of numbers without an error
// are empty.
var errnoTable = [...]errnoRow{
	EPERM:           {"EPERM", "operation not permitted"},
	ENOENT:          {"ENOENT", "no such entry"},
	ESRCH:           {"ESRCH", "no such process"},
	EINTR:           {"EINTR", "interrupted by a signal"},
	EIO:             {"EIO", "input or output failed"},
	ENXIO:           {"ENXIO", "no such device or address"},
	E2BIG:           {"E2BIG", "too big"},
	ENOEXEC:         {"ENOEXEC", "not an executable"},
	EBADF:           {"EBADF", "bad file descriptor"},
	ECHILD:          {"ECHILD", "no child process"},
	EAGAIN:          {"EAGAIN", "try again"},
	ENOMEM:          {"ENOMEM", "out of memory"},
	EACCES:          {"EACCES", "access denied"},
	EFAULT:          {"EFAULT", "bad address"},
	ENOTBLK:         {"ENOTBLK", "not a block device"},
	EBUSY:           {"EBUSY", "busy"},
	EEXIST:          {"EEXIST", "exists already"},
	EXDEV:           {"EXDEV", "on another device"},
	ENODEV:          {"ENODEV", "no such device"},
	ENOTDIR:         {"ENOTDIR", "not a directory"},
	EISDIR:          {"EISDIR", "is a directory"},
	EINVAL:          {"EINVAL", "invalid argument"},
	ENFILE:          {"ENFILE", "too many open files in the system"},
	EMFILE:          {"EMFILE", "too many open files in the process"},
	ENOTTY:          {"ENOTTY", "not for this kind of device"},
	ETXTBSY:         {"ETXTBSY", "executable is running"},
	EFBIG:           {"EFBIG", "file too large"},
	ENOSPC:          {"ENOSPC", "no space left"},
	ESPIPE:          {"ESPIPE", "can't seek"},
	EROFS:           {"EROFS", "read-only file system"},
	EMLINK:          {"EMLINK", "too many links"},
	EPIPE:           {"EPIPE", "broken pipe"},
	EDOM:            {"EDOM", "argument outside the function's domain"},
	ERANGE:          {"ERANGE", "result out of range"},
	EDEADLK:         {"EDEADLK", "would deadlock"},
	ENAMETOOLONG:    {"ENAMETOOLONG", "name too long"},
	ENOLCK:          {"ENOLCK", "no locks left"},
	ENOSYS:          {"ENOSYS", "no such system call"},
	ENOTEMPTY:       {"ENOTEMPTY", "not empty"},
	ELOOP:           {"ELOOP", "too many symbolic links or nested calls"},
	ENOMSG:          {"ENOMSG", "no message of that type"},
	EIDRM:           {"EIDRM", "identifier was removed"},
	ECHRNG:          {"ECHRNG", "channel number out of range"},
	EL2NSYNC:        {"EL2NSYNC", "level 2 out of step"},
	EL3HLT:          {"EL3HLT", "level 3 halted"},
	EL3RST:          {"EL3RST", "level 3 was reset"},
	ELNRNG:          {"ELNRNG", "link number out of range"},
	EUNATCH:         {"EUNATCH", "no protocol driver attached"},
	ENOCSI:          {"ENOCSI", "no CSI structure left"},
	EL2HLT:          {"EL2HLT", "level 2 halted"},
	EBADE:           {"EBADE", "invalid exchange"},
	EBADR:           {"EBADR", "invalid request descriptor"},
	EXFULL:          {"EXFULL", "exchange is full"},
	ENOANO:          {"ENOANO", "no anode"},
	EBADRQC:         {"EBADRQC", "invalid request code"},
	EBADSLT:         {"EBADSLT", "invalid slot"},
	EBFONT:          {"EBFONT", "bad font file"},
	ENOSTR:          {"ENOSTR", "not a stream"},
	ENODATA:         {"ENODATA", "no data"},
	ETIME:           {"ETIME", "timer expired"},
	ENOSR:           {"ENOSR", "no stream resources left"},
	ENONET:          {"ENONET", "not on a network"},
	ENOPKG:          {"ENOPKG", "package is not installed"},
	EREMOTE:         {"EREMOTE", "object is remote"},
	ENOLINK:         {"ENOLINK", "link was cut"},
	EADV:            {"EADV", "advertise failed"},
	ESRMNT:          {"ESRMNT", "srmount failed"},
	ECOMM:           {"ECOMM", "sending failed"},
	EPROTO:          {"EPROTO", "protocol violated"},
	EMULTIHOP:       {"EMULTIHOP", "multihop attempted"},
	EDOTDOT:         {"EDOTDOT", "RFS error"},
	EBADMSG:         {"EBADMSG", "bad message"},
	EOVERFLOW:       {"EOVERFLOW", "value too large for its type"},
	ENOTUNIQ:        {"ENOTUNIQ", "name is not unique on the network"},
	EBADFD:          {"EBADFD", "file descriptor in a bad state"},
	EREMCHG:         {"EREMCHG", "remote address changed"},
	ELIBACC:         {"ELIBACC", "shared library is not accessible"},
	ELIBBAD:         {"ELIBBAD", "shared library is corrupted"},
	ELIBSCN:         {"ELIBSCN", ".lib section is corrupted"},
	ELIBMAX:         {"ELIBMAX", "too many shared libraries"},
	ELIBEXEC:        {"ELIBEXEC", "shared library is not a program"},
	EILSEQ:          {"EILSEQ", "invalid byte sequence"},
	ERESTART:        {"ERESTART", "system call is to be restarted"},
	ESTRPIPE:        {"ESTRPIPE", "stream pipe failed"},
	EUSERS:          {"EUSERS", "too many users"},
	ENOTSOCK:        {"ENOTSOCK", "not a socket"},
	EDESTADDRREQ:    {"EDESTADDRREQ", "destination address is missing"},
	EMSGSIZE:        {"EMSGSIZE", "message too long"},
	EPROTOTYPE:      {"EPROTOTYPE", "wrong protocol for the socket"},
	ENOPROTOOPT:     {"ENOPROTOOPT", "no such protocol option"},
	EPROTONOSUPPORT: {"EPROTONOSUPPORT", "protocol is not supported"},
	ESOCKTNOSUPPORT: {"ESOCKTNOSUPPORT", "socket type is not supported"},
	EOPNOTSUPP:      {"EOPNOTSUPP", "operation is not supported"},
	EPFNOSUPPORT:    {"EPFNOSUPPORT", "protocol family is not supported"},
	EAFNOSUPPORT:    {"EAFNOSUPPORT", "address family is not supported"},
	EADDRINUSE:      {"EADDRINUSE", "address is in use"},
	EADDRNOTAVAIL:   {"EADDRNOTAVAIL", "address is not available"},
	ENETDOWN:        {"ENETDOWN", "network is down"},
	ENETUNREACH:     {"ENETUNREACH", "network is unreachable"},
	ENETRESET:       {"ENETRESET", "network dropped the connection"},
	ECONNABORTED:    {"ECONNABORTED", "connection aborted"},
	ECONNRESET:      {"ECONNRESET", "connection reset by the peer"},
	ENOBUFS:         {"ENOBUFS", "no buffers left"},
	EISCONN:         {"EISCONN", "connected already"},
	ENOTCONN:        {"ENOTCONN", "not connected"},
	ESHUTDOWN:       {"ESHUTDOWN", "shut down"},
	ETOOMANYREFS:    {"ETOOMANYREFS", "too many references"},
	ETIMEDOUT:       {"ETIMEDOUT", "timed out"},
	ECONNREFUSED:    {"ECONNREFUSED", "connection refused"},
	EHOSTDOWN:       {"EHOSTDOWN", "host is down"},
	EHOSTUNREACH:    {"EHOSTUNREACH", "host is unreachable"},
	EALREADY:        {"EALREADY", "under way already"},
	EINPROGRESS:     {"EINPROGRESS", "under way now"},
	ESTALE:          {"ESTALE", "stale file handle"},
	EUCLEAN:         {"EUCLEAN", "structure needs cleaning"},
	ENOTNAM:         {"ENOTNAM", "not a XENIX named type file"},
	ENAVAIL:         {"ENAVAIL", "no XENIX semaphores"},
	EISNAM:          {"EISNAM", "is a named type file"},
	EREMOTEIO:       {"EREMOTEIO", "remote input or output failed"},
	EDQUOT:          {"EDQUOT", "quota exceeded"},
	ENOMEDIUM:       {"ENOMEDIUM", "no medium"},
	EMEDIUMTYPE:     {"EMEDIUMTYPE", "wrong type of medium"},
	ECANCELED:       {"ECANCELED", "canceled"},
	ENOKEY:          {"ENOKEY", "no such key"},
	EKEYEXPIRED:     {"EKEYEXPIRED", "key expired"},
	EKEYREVOKED:     {"EKEYREVOKED", "key was revoked"},
	EKEYREJECTED:    {"EKEYREJECTED", "key was rejected"},
	EOWNERDEAD:      {"EOWNERDEAD", "owner died"},
	ENOTRECOVERABLE: {"ENOTRECOVERABLE", "state is not recoverable"},
	ERFKILL:         {"ERFKILL", "radio is switched off"},
	EHWPOISON:       {"EHWPOISON", "memory page has failed"},
	ENOTSUPP:        {"ENOTSUPP", "not supported"},
}
