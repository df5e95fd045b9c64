package report

import "fmt"

// Damaged is why nothing is done with an object that is damaged, and how to go
// on from what is intact of it.
func Damaged(problem, rescue string) error {
	return Left(fmt.Errorf("it is damaged: %s", problem), "Nothing of it was changed. "+Sentence(rescue))
}
