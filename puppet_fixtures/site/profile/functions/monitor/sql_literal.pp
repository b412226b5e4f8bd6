# @summary Quotes a text for SQL, for a server with standard strings.
#
# @param text
#   Any text.
#
# @return The same as an SQL literal.
function profile::monitor::sql_literal(String $text) >> String {
  if $text =~ /[\x00-\x1f]/ {
    fail('a password with control characters can not be set')
  }
  "'${regsubst($text, "'", "''", 'G')}'"
}
