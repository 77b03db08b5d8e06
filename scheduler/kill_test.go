package scheduler

const childAddress = "CARTEIRO_TEST_SCHEDULER_CHILD"

func child(string) {}
