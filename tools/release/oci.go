package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"time"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// nobody is whom the image's program runs as: nobody's number on any system.
const nobody = 65532

// descriptor points to a blob of the image.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Platform    *ociPlatform      `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type ociPlatform struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
}

// layout is an image as the OCI image layout has it: blobs by their digest, and an index of what they are.
type layout struct{ blobs []file }

func (l *layout) add(mediaType string, body []byte) descriptor {
	sum := sha256.Sum256(body)
	digest := hex.EncodeToString(sum[:])
	l.blobs = append(l.blobs, file{name: "blobs/sha256/" + digest, mode: 0o644, body: body})
	return descriptor{MediaType: mediaType, Digest: "sha256:" + digest, Size: len(body)}
}

func (l *layout) addJSON(mediaType string, v any) (descriptor, error) {
	body, err := json.Marshal(v)
	return l.add(mediaType, body), err
}

// image writes one image for all architectures of Linux. There is nothing in it but the program, the certificates it trusts
// and a folder for its data.
func (r *release) image(all []program) error {
	l := &layout{}
	var manifests []descriptor
	for _, p := range all {
		if p.os != "linux" {
			continue
		}
		manifest, err := r.manifest(l, p)
		if err != nil {
			return err
		}
		manifests = append(manifests, manifest)
	}
	if manifests == nil {
		return nil
	}
	index, err := l.addJSON("application/vnd.oci.image.index.v1+json", map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests, "annotations": r.annotations(),
	})
	if err != nil {
		return err
	}
	index.Annotations = map[string]string{"org.opencontainers.image.ref.name": r.version}
	top, err := json.Marshal(map[string]any{"schemaVersion": 2, "manifests": []descriptor{index}})
	if err != nil {
		return err
	}
	files := append(l.blobs, file{name: "index.json", mode: 0o644, body: top}, file{name: "oci-layout", mode: 0o644, body: []byte(`{"imageLayoutVersion":"1.0.0"}`)})
	var b bytes.Buffer
	if err := tarred(&b, withFolders(files), r.date); err != nil {
		return err
	}
	return r.write("curfew_"+r.version+".oci.tar", b.Bytes())
}

func (r *release) manifest(l *layout, p program) (descriptor, error) {
	var layer bytes.Buffer
	if err := tarred(&layer, withFolders([]file{
		{name: "usr/local/bin/curfew", mode: 0o755, body: p.body},
		{name: "etc/ssl/certs/ca-certificates.crt", mode: 0o644, body: roots()},
		{name: "var/lib/curfew/", mode: 0o700, id: nobody},
	}), r.date); err != nil {
		return descriptor{}, err
	}
	unpacked := sha256.Sum256(layer.Bytes())
	packed, err := gzipped(layer.Bytes())
	if err != nil {
		return descriptor{}, err
	}
	config, err := l.addJSON("application/vnd.oci.image.config.v1+json", r.imageConfig(p, hex.EncodeToString(unpacked[:])))
	if err != nil {
		return descriptor{}, err
	}
	manifest, err := l.addJSON("application/vnd.oci.image.manifest.v1+json", map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "annotations": r.annotations(),
		"layers": []descriptor{l.add("application/vnd.oci.image.layer.v1.tar+gzip", packed)},
	})
	manifest.Platform = &ociPlatform{p.arch, p.os}
	return manifest, err
}

// imageConfig is how the image is started. A platform that gives a port of its own sets PORT to another.
func (r *release) imageConfig(p program, layer string) map[string]any {
	user := fmt.Sprintf("%d:%d", nobody, nobody)
	at := r.date.Format(time.RFC3339)
	return map[string]any{
		"created": at, "architecture": p.arch, "os": p.os,
		"config": map[string]any{
			"User": user, "WorkingDir": "/var/lib/curfew", "Entrypoint": []string{"/usr/local/bin/curfew"}, "Cmd": []string{"serve"},
			"Env":          []string{"PATH=/usr/local/bin", "PORT=3001"},
			"ExposedPorts": map[string]any{"3001/tcp": struct{}{}}, "Volumes": map[string]any{"/var/lib/curfew": struct{}{}},
			"StopSignal": "SIGTERM", "Labels": r.annotations(),
		},
		"rootfs":  map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + layer}},
		"history": []any{map[string]any{"created": at, "created_by": "make release"}},
	}
}

func (r *release) annotations() map[string]string {
	all := map[string]string{
		"org.opencontainers.image.title": "curfew", "org.opencontainers.image.version": r.version,
		"org.opencontainers.image.source": homepage, "org.opencontainers.image.licenses": "Apache-2.0",
		"org.opencontainers.image.description": summary, "org.opencontainers.image.created": r.date.Format(time.RFC3339),
	}
	if r.commit != "" {
		all["org.opencontainers.image.revision"] = r.commit
	}
	return all
}

// roots are the certificates of Mozilla's list, as Go publishes them: a machine's own list would be another on each.
// Those that are trusted within limits are left out, because a file cannot say so.
func roots() []byte {
	var b bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // a buffer takes everything
		}
	}
	return b.Bytes()
}
