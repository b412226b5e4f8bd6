# @summary Where the page goes: an account on a web server that takes files over SFTP, and the file's place as that account sees it.
type Overview::Target = Struct[{
    host => Pattern[/\A[a-z0-9][a-z0-9.-]{0,252}\z/],
    user => Pattern[/\A[a-z_][a-z0-9_-]{0,31}\z/],
    path => Pattern[/\A\/[A-Za-z0-9._\/-]{1,200}\z/],
}]
