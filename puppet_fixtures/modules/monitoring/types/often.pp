# @summary How often a check may fail in a window before somebody is told, even if it never fails twice in a row.
type Monitoring::Often = Struct[{ window_s => Integer[3600, 31536000], warning => Integer[1, 10000], critical => Integer[1, 10000] }]
