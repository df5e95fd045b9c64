package host

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
)

// An ImageSpec is what a new image is to be.
type ImageSpec struct {
	Name   string
	Source string // kept as information, where all can read it who log in: without secrets
	SHA256 string // in hexadecimal, of what the content must be; "": anything

	Settings json.RawMessage
}

// An ImageSource is an image's content. [fetch.Stream] is one.
type ImageSource interface {
	io.ReadCloser
	Size() int64    // in bytes; -1 while it is not known
	SHA256() string // hexadecimal, of what was read so far
}

// PutImage puts an image on the host. Content that the host has already, of
// which spec knows the sum, is linked and open is not called; other content is
// streamed in constant memory, and what arrives is summed up on the host before
// it counts. Two round trips and the stream.
func (h *Host) PutImage(ctx context.Context, spec ImageSpec, open func(context.Context) (ImageSource, error)) (*Image, error) {
	c := h.call("create", Images, spec.Name)
	if err := c.checkName(); err != nil {
		return nil, err
	}
	images, err := h.Images(ctx)
	if err != nil {
		return nil, err
	}
	image := Image{Name: spec.Name, UID: uuid.NewString(), CreatedAt: time.Now().UTC().Truncate(time.Second), Source: spec.Source, Settings: spec.Settings}
	for _, other := range images {
		if other.Name == spec.Name && !other.Unkept { // what is unkept may make room
			return nil, c.taken(ctx)
		}
	}
	for _, other := range images {
		if spec.SHA256 != "" && other.SHA256 == spec.SHA256 && other.Problem == "" {
			return h.linkImage(ctx, c, image, other)
		}
	}
	source, err := open(ctx)
	if err != nil {
		return nil, c.fail(err, "", "")
	}
	defer source.Close()
	return h.streamImage(ctx, c, image, &summed{ImageSource: source, want: spec.SHA256})
}

// linkImage makes an image of another's content.
func (h *Host) linkImage(ctx context.Context, c call, image Image, other *Image) (*Image, error) {
	image.SHA256, image.Format, image.SizeBytes, image.VirtualSizeBytes = other.SHA256, other.Format, other.SizeBytes, other.VirtualSizeBytes
	image.raw = compact(image)
	_, err := c.write(ctx, imageLinkScript, h.DataDir, c.object.String(), Ref{Images, other.Name}.String(), image.raw, other.raw)
	return made(&image, true, err)
}

// NoteImage replaces an image's settings, which are all of it that can change.
// One round trip.
func (h *Host) NoteImage(ctx context.Context, image *Image, settings json.RawMessage) error {
	changed := *image
	changed.Settings = settings
	changed.raw = compact(changed)
	c := h.call("update", Images, image.Name)
	if image.Unreadable { // to write it anew would make up what it is
		return c.invalid("it is damaged: %s", image.Problem)
	}
	if _, err := c.write(ctx, labelScript, h.dir(c.object), metadata(Images), image.raw, changed.raw); err != nil {
		return err
	}
	*image = changed
	return nil
}

// streamImage sends content to the host, which adds to the metadata what only
// whoever has it all can know.
func (h *Host) streamImage(ctx context.Context, c call, image Image, content *summed) (*Image, error) {
	buffered := bufio.NewReaderSize(content, 1<<20)
	header, err := buffered.Peek(qemu.HeaderSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, c.fail(err, "", "")
	}
	if image.Format, err = qemu.DetectFormat(header, content.Size()); err != nil {
		return nil, c.fail(err, "", "")
	}
	known := map[string]any{
		"name": image.Name, "uid": image.UID, "created_at": image.CreatedAt, "source": image.Source, "format": image.Format,
	}
	if image.Settings != nil {
		known["settings"] = image.Settings
	}
	begin := compact(known)
	defer h.Forget()
	result, err := h.transport.Stream(ctx, ssh.Script{
		Name: c.verb, Text: imageScript,
		Args:   []string{h.DataDir, c.object.String(), image.Format, strings.TrimSuffix(begin, "}"), fmt.Sprint(content.Size())},
		Atomic: true, // content ends when ctx does; what was sent whole counts
	}, io.MultiReader(buffered, content.trailer()))
	out, err := c.outcome(ctx, result, err)
	if content.err != nil {
		return nil, c.fail(content.err, "", "") // why the stream ended early, rather than that it did
	}
	if err != nil {
		return made(&image, true, err)
	}
	image.raw = strings.TrimSpace(out)
	if err := json.Unmarshal([]byte(out), &image); err != nil {
		return nil, c.fail(ErrFailed, "the host's answer cannot be read: "+err.Error(), "")
	}
	return &image, nil
}

// summed is content whose sum is checked at its end.
type summed struct {
	ImageSource
	want string // hexadecimal; "": not checked
	err  error  // the first that was read
}

func (s *summed) Read(p []byte) (int, error) {
	n, err := s.ImageSource.Read(p)
	if errors.Is(err, io.EOF) && s.want != "" && s.SHA256() != s.want {
		err = fmt.Errorf("checksum mismatch: the content has sha256:%s, expected was sha256:%s", s.SHA256(), s.want)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// trailer is what follows the content: its sum, known only then.
func (s *summed) trailer() io.Reader {
	return &late{func() io.Reader { return strings.NewReader(s.SHA256() + "\n") }, nil}
}

// late is a reader that is made when it is first read.
type late struct {
	open   func() io.Reader
	reader io.Reader
}

func (l *late) Read(p []byte) (int, error) {
	if l.reader == nil {
		l.reader = l.open()
	}
	return l.reader.Read(p)
}
