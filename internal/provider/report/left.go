package report

import "fmt"

// Damaged is why nothing is done with an object that is damaged, and how to go
// on from what is intact of it.
func Damaged(problem, rescue string) error {
	return Left(fmt.Errorf("it is damaged: %s", problem), "Nothing of it was changed. "+Sentence(rescue))
}

// Unsure is the error of making something, with what may have been made all the
// same: the connection was lost, and the host finishes what it was told. Whoever
// reports it puts that into the state, in which Terraform marks it as tainted, so
// that its uid tells the next apply whether it is there. Without it, err is sure.
func Unsure[T any](made *T, err error) error {
	if made == nil {
		return err
	}
	return LeftTo(err,
		"It may be on the host all the same, or come to be there within a minute: the host finishes what it was told. It is in the state, marked as tainted.",
		"Run terraform apply again after that: it finds out whether it is there, and replaces it or makes it. To keep what is there, run terraform untaint ADDRESS before.")
}
