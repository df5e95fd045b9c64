package host

import (
	"encoding/json"
	"maps"
	"reflect"
	"strings"
)

// What an instance.json, a snapshot.json or an image.json has of another tool, or
// of a later version of this one, means nothing here and is kept when the file is
// written anew. What is made from the object does not take it over.

// Each without its methods.
type (
	plainRecord   Record
	plainSnapshot Snapshot
	plainImage    Image
	plainNetwork  Network
)

func (r *Record) UnmarshalJSON(text []byte) (err error) {
	r.others, err = decode(text, (*plainRecord)(r))
	return err
}

func (r Record) MarshalJSON() ([]byte, error) { return encode(plainRecord(r), r.others) }

func (s *Snapshot) UnmarshalJSON(text []byte) (err error) {
	s.others, err = decode(text, (*plainSnapshot)(s))
	return err
}

func (s Snapshot) MarshalJSON() ([]byte, error) { return encode(plainSnapshot(s), s.others) }

func (i *Image) UnmarshalJSON(text []byte) (err error) {
	i.others, err = decode(text, (*plainImage)(i))
	return err
}

func (i Image) MarshalJSON() ([]byte, error) { return encode(plainImage(i), i.others) }

// decode reads a JSON object into a struct, and returns what of it has another
// key than the struct's fields.
func decode[T any](text []byte, into *T) (others map[string]json.RawMessage, err error) {
	if err := json.Unmarshal(text, into); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &others); err != nil {
		return nil, err
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[T]()) {
		key, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		// As json reads them: "UID" is ours, too, and would count instead of "uid".
		maps.DeleteFunc(others, func(other string, _ json.RawMessage) bool { return strings.EqualFold(other, key) })
	}
	return others, nil
}

// encode is a struct as a JSON object that has the others, too.
func encode(known any, others map[string]json.RawMessage) ([]byte, error) {
	text, err := json.Marshal(known)
	if err != nil || len(others) == 0 {
		return text, err
	}
	more, err := json.Marshal(others)
	if err != nil {
		return nil, err
	}
	return append(append(text[:len(text)-1], ','), more[1:]...), nil
}

func (n *Network) UnmarshalJSON(text []byte) (err error) {
	n.others, err = decode(text, (*plainNetwork)(n))
	return err
}

func (n Network) MarshalJSON() ([]byte, error) { return encode(plainNetwork(n), n.others) }
