// A peer of the HTTP benchmark: Go's net/http with redigo, one pooled connection and one round trip a check.
//
// usage: check HTTP-PORT REDIS-SOCKET REQUEST-HEX; the request is the packed argument of metering_check.
package main

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"

	"github.com/gomodule/redigo/redis"
)

type question struct {
	Clinic string `json:"clinic_id"`
}

type answer struct {
	Allowed bool   `json:"allowed"`
	Clinic  string `json:"clinic_id"`
	Used    int64  `json:"used"`
	Wait    int64  `json:"retry_after_us"`
}

func main() {
	request, err := hex.DecodeString(os.Args[3])
	if err != nil {
		panic(err)
	}
	pool := &redis.Pool{MaxIdle: 128, Dial: func() (redis.Conn, error) {
		return redis.Dial("unix", os.Args[2])
	}}
	http.HandleFunc("/v1/check", func(w http.ResponseWriter, r *http.Request) {
		var call question
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&call); err != nil {
			http.Error(w, err.Error(), 400)
			return
		}
		connection := pool.Get()
		replies, err := redis.ByteSlices(
			connection.Do("FCALL", "metering_check", 1, "q:{"+call.Clinic+"}", request))
		connection.Close()
		if err != nil || len(replies) != 1 || len(replies[0]) < 100 || replies[0][0] > 2 {
			http.Error(w, "no decision", 503)
			return
		}
		reply := replies[0]
		w.Header().Set("Content-Type", "application/json")
		if reply[0] != 1 {
			w.WriteHeader(429)
		}
		json.NewEncoder(w).Encode(answer{
			reply[0] == 1, call.Clinic, int64(binary.LittleEndian.Uint64(reply[44:])),
			int64(binary.LittleEndian.Uint64(reply[68:]))})
	})
	panic(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
