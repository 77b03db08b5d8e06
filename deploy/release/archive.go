package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"time"
)

// packed is a file of an archive.
type packed struct {
	name string // inside, with slashes
	mode int64
	text []byte
}

// pack puts the program and what belongs to it into an archive: zip for
// Windows, tar.gz for the others.
func (r *release) pack(t target, program string) (name string, text []byte, err error) {
	folder := "carteiro_" + r.version + "_" + t.os + "_" + t.arch
	sources := []struct {
		from, to string
		mode     int64
	}{
		{filepath.Join(r.root, "LICENSE"), "LICENSE", 0o644},
		{filepath.Join(r.root, "README.md"), "README.md", 0o644},
		{program, programName(t), 0o755},
	}
	if t.os == "linux" {
		unit := "carteiro.service"
		sources = append(sources, struct {
			from, to string
			mode     int64
		}{filepath.Join(r.root, "deploy", "systemd", unit), unit, 0o644})
	}
	var files []packed
	for _, s := range sources {
		content, err := os.ReadFile(s.from)
		if err != nil {
			return "", nil, err
		}
		files = append(files, packed{folder + "/" + s.to, s.mode, content})
	}
	var out bytes.Buffer
	if t.os == "windows" {
		err = writeZip(&out, files, r.time)
		return folder + ".zip", out.Bytes(), err
	}
	err = writeTar(&out, files, r.time)
	return folder + ".tar.gz", out.Bytes(), err
}

func writeTar(w io.Writer, files []packed, at time.Time) error {
	zipped := gzip.NewWriter(w)
	archive := tar.NewWriter(zipped)
	for _, f := range files {
		header := &tar.Header{Typeflag: tar.TypeReg, Name: f.name, Mode: f.mode, Size: int64(len(f.text)), ModTime: at, Format: tar.FormatUSTAR}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if _, err := archive.Write(f.text); err != nil {
			return err
		}
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return zipped.Close()
}

func writeZip(w io.Writer, files []packed, at time.Time) error {
	archive := zip.NewWriter(w)
	for _, f := range files {
		header := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: at}
		header.SetMode(os.FileMode(f.mode))
		entry, err := archive.CreateHeader(header)
		if err != nil {
			return err
		}
		if _, err := entry.Write(f.text); err != nil {
			return err
		}
	}
	return archive.Close()
}
