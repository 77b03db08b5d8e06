// Package failpoint names the moments at which the fault laboratory ends a
// process, and does nothing in the program as it is shipped.
//
// Its door is [Hit]. Without the build tag "failpoints" it is empty and is
// compiled away. With it, CARTEIRO_TEST_FAILPOINT names one moment:
//
//	acknowledged               SIGKILL when an acknowledging answer has been read
//	acknowledged:5             the fifth time
//	acknowledged:5:sleep=50s   that one caller stands still instead
//
// Before that, a file with the moment's name is made at the path in
// CARTEIRO_TEST_FAILPOINT_MARK: a run that never came there has no such file.
//
// The package must not know about anything else of the house.
package failpoint
