// The page at the server's root: whether the server works, and how to use it.
import type { KlippyState } from '../../klippy/klippy-info.ts'
import { type Content, Html, html } from './html.ts'
import { SCRIPT, STYLE } from './look.ts'

const NAME = 'moonraker-ts'

/** What the page shows to an authenticated client. */
export interface WelcomeView {
  readonly version: string
  readonly klippy: { readonly state: KlippyState; readonly message: string | null }
  /** The print in progress. */
  readonly print: { readonly state: 'printing' | 'paused'; readonly filename: string } | null
  /** Klippy's socket. */
  readonly klippySocket: string
  readonly warnings: readonly string[]
  readonly components: readonly string[]
  readonly failedComponents: readonly string[]
  /** As `http://192.168.1.5:7125`, the most useful first. */
  readonly addresses: readonly string[]
  /** The server's own unix socket. */
  readonly socket: string
  /** The prefix of every path, as `/printer1`; '' for none. */
  readonly routePrefix: string
  /** Those of `HOSTED` whose pages may not use this server. */
  readonly refusedSites: readonly string[]
}

/** Sites with front ends that connect to any server that allows them. */
export const HOSTED = { mainsail: 'http://my.mainsail.xyz', fluidd: 'http://app.fluidd.xyz' }

const STATES: Readonly<Record<KlippyState, string>> = {
  ready: 'The printer is ready',
  startup: 'Klipper is starting',
  error: 'Klipper has a problem',
  shutdown: 'Klipper has shut down',
  disconnected: 'Klipper is not connected',
}

const PRINTS = { printing: 'The printer prints', paused: 'The print is paused' }

/** The page for an authenticated client. */
export function fullPage(view: WelcomeView): string {
  const { version, warnings, failedComponents } = view
  return page(
    version,
    'full',
    html`${printerPart(view)}
${failedComponents.length > 0 ? listPart('failure', 'Components that do not work', failedComponents) : null}
${warnings.length > 0 ? listPart('attention', 'Warnings', warnings) : null}
${addressPart(view)}
${tryPart(view)}
${frontEndPart(view)}`,
  )
}

/** The page for an unauthenticated client: without anything about the printer, the configuration or the network. */
export function publicPage(version: string, routePrefix: string): string {
  return page(
    version,
    'public',
    html`<section><h2>You are not logged in</h2>
<p>This server shows its state only to authenticated clients. There are three ways:</p>
<ul>
<li>Log in with Fluidd, or on ${link(`${routePrefix}/docs/http`, 'the pages of the API')}.</li>
<li>Send the API key with each request: <code>curl -H 'X-Api-Key: &hellip;' &hellip;</code></li>
<li>Have the owner add your address to <code>trusted_clients</code> in section <code>[authorization]</code> of
<code>moonraker.conf</code>, and restart the server. Mainsail needs this: it has no login.</li>
</ul></section>`,
  )
}

function page(version: string, view: string, content: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${NAME}</title>
<link rel="icon" href="data:,">
<style>${new Html(STYLE)}</style>
</head>
<body>
<header>
<h1>${NAME} <small>${version}</small></h1>
<p>An API server for 3D printers that run Klipper, with Moonraker's API.</p>
</header>
<p id="offline" role="status" hidden>The server does not respond. The information below may be out of date.</p>
<main data-view="${view}">
${content}
</main>
<script>${new Html(SCRIPT)}</script>
</body>
</html>
`.text
}

function printerPart({ klippy, klippySocket, print }: WelcomeView): Html {
  const advice = html`<p class="faint">The server keeps trying to connect to <code>${klippySocket}</code>. If Klipper runs,
compare this path with its option <code>-a</code>; the server's option is <code>klippy_uds_address</code> in section
<code>[server]</code> of <code>moonraker.conf</code>.</p>`
  // The message of a ready printer adds nothing.
  const message = klippy.state === 'ready' ? '' : (klippy.message ?? '').trim()
  return html`<section role="status">
<p class="state ${klippy.state}">${print === null ? STATES[klippy.state] : PRINTS[print.state]}</p>
${print === null ? null : html`<p class="message">${print.filename}</p>`}
${message === '' ? null : html`<p class="message">${message}</p>`}
${klippy.state === 'disconnected' ? advice : null}
</section>`
}

function listPart(look: 'failure' | 'attention', title: string, texts: readonly string[]): Html {
  return html`<section class="${look}"><h2>${title}</h2>
<ul>${texts.map(text => html`<li class="message">${text}</li>`)}</ul></section>`
}

function addressPart({ addresses, routePrefix, socket, components }: WelcomeView): Html {
  const spans = (texts: readonly Content[]) => texts.map(text => html`<span>${text}</span> `)
  const sockets = addresses.map(
    address => html`<code>${address.replace(/^http/, 'ws')}${routePrefix}/websocket</code>`,
  )
  const links = addresses.map(address => link(`${address}${routePrefix}/`, `${address}${routePrefix}`))
  const documents = [
    link(`${routePrefix}/docs/`, 'read and try it'),
    ...['openapi.json', 'openrpc.json'].map(name => link(`${routePrefix}/${name}`, name)),
  ]
  return html`<section><h2>Addresses</h2>
<dl>
<dt>HTTP</dt><dd>${spans(links)}</dd>
<dt>WebSocket</dt><dd>${spans(sockets)}</dd>
<dt>Unix socket</dt><dd><code>${socket}</code></dd>
<dt>API</dt><dd>${spans(documents)}</dd>
<dt>Components</dt><dd>${components.join(', ')}</dd>
</dl></section>`
}

function tryPart({ addresses, routePrefix }: WelcomeView): Html {
  const base = `${addresses[0] ?? 'http://localhost:7125'}${routePrefix}`
  return html`<section><h2>Try it</h2>
<pre>curl ${base}/server/info
curl -F file=@model.gcode -F print=true ${base}/server/files/upload</pre>
<p>Or look at ${link(`${routePrefix}/server/info`, 'the state of the server')},
${link(`${routePrefix}/printer/objects/list`, "the printer's objects")} and
${link(`${routePrefix}/server/files/list`, 'its files')} here.</p></section>`
}

function frontEndPart({ addresses, routePrefix, refusedSites }: WelcomeView): Html {
  const address = addresses.find(text => !text.includes('//localhost')) ?? addresses[0] ?? ''
  return html`<section><h2>Mainsail and Fluidd</h2>
<p>A copy of ${link('https://docs.mainsail.xyz', 'Mainsail')} or ${link('https://docs.fluidd.xyz', 'Fluidd')} connects to
<code>${address}${routePrefix}</code>. Without a copy of your own, open
${link(HOSTED.mainsail, 'my.mainsail.xyz')} or ${link(HOSTED.fluidd, 'app.fluidd.xyz')} and add the printer there.</p>
${refusedSites.length === 0 ? null : allowPart(refusedSites)}</section>`
}

function allowPart(sites: readonly string[]): Html {
  return html`<p>First allow ${sites.length === 1 ? 'this site' : 'these sites'} in <code>moonraker.conf</code>, and restart
the server:</p>
<pre>[authorization]
cors_domains:
${sites.map(site => `    ${site}`).join('\n')}</pre>`
}

function link(href: string, text: string): Html {
  return html`<a href="${href}" rel="noreferrer">${text}</a>`
}
