package guard

import (
	"log/slog"
	"net/http"
)

// Server is the program's HTTP server around the faces.
func Server(faces http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: Handler(faces), ReadHeaderTimeout: ReadHeaderTimeout, ReadTimeout: ReadTimeout,
		WriteTimeout: WriteTimeout, IdleTimeout: IdleTimeout, MaxHeaderBytes: MaxHeaderBytes,
		DisableGeneralOptionsHandler: true, // net/http would answer "OPTIONS *" past the faces
		ErrorLog:                     slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
