// The style of the page, and the script that refreshes it. Both are in the page, so that it loads nothing else.

export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f3f4f6; --card: #fff; --text: #1c2127; --faint: #626b76; --line: #dfe3e8; --accent: #0b6bcb;
  --code: #eef1f5; --good: #12805c; --wait: #9a6700; --bad: #c4302b; --gone: #626b76;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171b; --card: #1d2127; --text: #e7eaee; --faint: #98a2ae; --line: #31373f; --accent: #6bb2ff;
    --code: #14181d; --good: #45c796; --wait: #e3b341; --bad: #ff7b72; --gone: #98a2ae;
  }
}
* { box-sizing: border-box }
body {
  margin: 0; padding: clamp(1rem, 4vw, 3rem) 1rem; background: var(--ground); color: var(--text);
  font: 16px/1.55 system-ui, sans-serif;
}
header, main, #offline { max-width: 48rem; margin: 0 auto }
header { margin-bottom: 1.5rem }
h1 { margin: 0; font-size: 1.75rem; letter-spacing: -.02em }
h1 small { display: inline-block; margin-left: .4em; color: var(--faint); font-size: .9rem; font-weight: 400; letter-spacing: 0 }
header p { margin: .25rem 0 0; color: var(--faint) }
section {
  margin-bottom: 1rem; padding: 1.1rem 1.3rem 1.3rem; background: var(--card);
  border: 1px solid var(--line); border-radius: 12px;
}
h2 { margin: 0 0 .6rem; font-size: 1rem }
h2 + p, h2 + ul { margin-top: 0 }
p, ul { margin: .6rem 0 0 }
section > :first-child { margin-top: 0 }
ul { padding-left: 1.2rem }
li + li { margin-top: .35rem }
a { color: var(--accent) }
code, pre { font: .875rem/1.5 ui-monospace, monospace }
code { overflow-wrap: anywhere }
pre { margin: .6rem 0 0; padding: .7rem .9rem; overflow-x: auto; background: var(--code); border-radius: 8px }
.state { display: flex; align-items: center; gap: .6rem; font-size: 1.15rem; font-weight: 600 }
.state::before { content: ''; flex: none; width: .75rem; height: .75rem; border-radius: 50%; background: currentColor }
.ready { color: var(--good) }
.startup { color: var(--wait) }
.error, .shutdown { color: var(--bad) }
.disconnected { color: var(--gone) }
.message { white-space: pre-line; overflow-wrap: anywhere }
.faint { color: var(--faint) }
.attention { border-left: 4px solid var(--wait) }
.failure { border-left: 4px solid var(--bad) }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .35rem 1.2rem; margin: 0 }
dt { color: var(--faint) }
dd { margin: 0; overflow-wrap: anywhere }
dd span { display: inline-block; margin-right: .9em }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr } dd + dt { margin-top: .5rem } }
#offline {
  margin-bottom: 1rem; padding: .6rem 1rem; border: 1px solid var(--bad); border-radius: 8px; color: var(--bad);
}
`

/** Loads the page again every 5 s and replaces its content. Without the script the page only becomes outdated. */
export const SCRIPT = `
const refresh = async () => {
  if (document.hidden) return
  let fresh = null
  try {
    const reply = await fetch(location.pathname, { cache: 'no-store' })
    fresh = new DOMParser().parseFromString(await reply.text(), 'text/html').querySelector('main')
  } catch {}
  document.getElementById('offline').hidden = fresh !== null
  const shown = document.querySelector('main')
  if (fresh === null || fresh.dataset.view !== shown.dataset.view || fresh.innerHTML === shown.innerHTML) return
  shown.replaceWith(fresh)
}
setInterval(refresh, 5000)
document.addEventListener('visibilitychange', refresh)
`
