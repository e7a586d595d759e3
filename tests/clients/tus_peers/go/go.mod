module tuspeer

go 1.22.0

require github.com/bdragon300/tusgo v0.1.2
