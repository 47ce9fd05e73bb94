// Included by every draft header: a note in whatever includes one, from any of its files, by which the host sees that the
// plugin needs the exact host build. A plugin whose build says BACKPLANE_STABLE must not include any.
#pragma once

#include <backplane/detail/note.h>

#ifdef BACKPLANE_STABLE
#    error "<backplane/draft/...> is included, but the plugin says that it is stable (BACKPLANE_STABLE)"
#endif

namespace {
[[gnu::section(".note.backplane"), gnu::used, gnu::aligned(4)]] constexpr auto backplane_draft_note =
    backplane::manifest::make_note<5>(backplane::manifest::kDraftNote, {'d', 'r', 'a', 'f', 't'});
}
