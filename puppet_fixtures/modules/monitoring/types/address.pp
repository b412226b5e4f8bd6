# @summary An IPv4 or IPv6 address, without prefix length or zone.
type Monitoring::Address = Pattern[
  /\A((25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\z/,
  /\A(?=[0-9a-f:]{2,39}\z)(([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|([0-9a-f]{1,4}:){0,6}[0-9a-f]{0,4}::([0-9a-f]{1,4}:){0,6}[0-9a-f]{0,4})\z/,
]
