// Gives every alert the label `team: llm`, for routing, and every board the tag `llm`, for finding it.
// To use it, copy it into stack/overlays/ and run `make`.
local team = 'llm';

local labelled(rule) =
  if std.objectHas(rule, 'alert') then rule { labels+: { team: team } } else rule;

function(bundle) {
  [path]:
    local file = bundle[path];
    if std.isObject(file) && std.objectHas(file, 'groups') then
      file { groups: [group { rules: [labelled(rule) for rule in group.rules] } for group in file.groups] }
    else if std.isObject(file) && std.objectHas(file, 'panels') then
      file { tags+: [team] }
    else
      file
  for path in std.objectFields(bundle)
}
