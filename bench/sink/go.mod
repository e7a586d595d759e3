module sink

go 1.23
