package main

import (
	"bytes"
	"crypto/md5"
	"fmt"
	"strings"
)

// deb writes a package of Debian: an ar archive of two tarballs. Other systems than Linux have none.
func (r *release) deb(p program) error {
	if p.os != "linux" {
		return nil
	}
	files, err := r.installed(p, "vendor-completions")
	if err != nil {
		return err
	}
	control, err := tarball(r.control(p, files), r.date)
	if err != nil {
		return err
	}
	data, err := tarball(dotted(withFolders(files)), r.date)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	b.WriteString("!<arch>\n")
	for _, member := range []file{{name: "debian-binary", body: []byte("2.0\n")}, {name: "control.tar.gz", body: control}, {name: "data.tar.gz", body: data}} {
		fmt.Fprintf(&b, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", member.name, r.date.Unix(), 0, 0, "100644", len(member.body))
		b.Write(member.body)
		if len(member.body)%2 == 1 {
			b.WriteByte('\n')
		}
	}
	return r.write("curfew_"+r.version+"_"+p.arch+".deb", b.Bytes())
}

// control is what dpkg has to know.
func (r *release) control(p program, files []file) []file {
	size := 0
	var sums strings.Builder
	for _, f := range sorted(files) {
		size += (len(f.body) + 1023) / 1024
		if !strings.HasPrefix(f.name, "etc/") {
			fmt.Fprintf(&sums, "%x  %s\n", md5.Sum(f.body), f.name)
		}
	}
	text := fmt.Sprintf(`Package: curfew
Version: %s
Architecture: %s
Maintainer: %s
Installed-Size: %d
Section: net
Priority: optional
Homepage: %s
Description: %s
 %s
`, debVersion(r.version), p.arch, maintainer, size, homepage, summary, description)
	return dotted([]file{
		{name: "control", mode: 0o644, body: []byte(text)},
		{name: "md5sums", mode: 0o644, body: []byte(sums.String())},
		{name: "conffiles", mode: 0o644, body: []byte("/etc/curfew/curfew.env\n")},
		{name: "postinst", mode: 0o755, body: postinst},
		{name: "prerm", mode: 0o755, body: prerm},
		{name: "postrm", mode: 0o755, body: postrm},
	})
}

// dotted names files as dpkg expects them: ./usr/bin/curfew.
func dotted(all []file) []file {
	named := []file{{name: "./", mode: 0o755}}
	for _, f := range all {
		f.name = "./" + f.name
		named = append(named, f)
	}
	return named
}
