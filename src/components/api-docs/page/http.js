// The HTTP page: Swagger UI for the server's own OpenAPI document, as the page's user.
import { byId } from './dom.js'
import { showProblem } from './header.js'
import { api, authorization, get } from './session.js'

/**
 * What Swagger UI, a script of its own, leaves behind. It receives only these settings.
 * @typedef {{ layoutActions: { show(thing: string[], isShown: boolean): void } }} Actions
 * @typedef {{ getSystem(): Actions }} System
 * @typedef {{ headers: Record<string, string>, body?: unknown }} Request
 */
const SwaggerUIBundle = /** @type {(options: object) => void} */ (Reflect.get(window, 'SwaggerUIBundle'))

async function show() {
  // The address of the API as the browser knows it, which a proxy may have changed.
  const spec = { ...(await get('openapi.json')), servers: [{ url: api.href.replace(/\/$/, '') }] }
  const page = byId('swagger', HTMLElement)
  SwaggerUIBundle({
    spec,
    domNode: page,
    deepLinking: true,
    docExpansion: 'none',
    defaultModelsExpandDepth: -1,
    defaultModelRendering: 'model',
    displayRequestDuration: true,
    filter: true,
    operationsSorter: 'alpha',
    tryItOutEnabled: true,
    validatorUrl: null,
    async requestInterceptor(/** @type {Request} */ request) {
      // An empty field of a form was left alone.
      if (request.body instanceof FormData) dropEmpty(request.body)
      request.headers = { ...request.headers, ...(await authorization()) }
      return request
    },
    plugins: [expandMatches(page)],
  })
}

/**
 * A plugin of Swagger UI that expands the groups that match the filter: by itself it only hides the others. With an empty
 * filter all groups are collapsed.
 * @param {HTMLElement} page
 */
function expandMatches(page) {
  return (/** @type {System} */ system) => {
    const expand = (/** @type {unknown} */ filter) => {
      for (const group of page.querySelectorAll('.opblock-tag')) {
        const name = group.getAttribute('data-tag')
        if (name !== null) system.getSystem().layoutActions.show(['operations-tag', name], Boolean(filter))
      }
    }
    const updateFilter =
      (/** @type {(filter: unknown) => unknown} */ update) => (/** @type {unknown} */ filter) => {
        const result = update(filter)
        // When the groups that match are on the page.
        requestAnimationFrame(() => requestAnimationFrame(() => expand(filter)))
        return result
      }
    return { statePlugins: { layout: { wrapActions: { updateFilter } } } }
  }
}

/** @param {FormData} form */
function dropEmpty(form) {
  const empty = [...form].filter(([, value]) => value === '')
  for (const [name] of empty) form.delete(name)
}

/** Swagger UI's own dark look depends on a class. */
function followScheme() {
  const dark = matchMedia('(prefers-color-scheme: dark)')
  const apply = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
  dark.addEventListener('change', apply)
  apply()
}

followScheme()
show().catch(showProblem)
