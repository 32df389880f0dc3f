// The HTTP page: Swagger UI for the server's own OpenAPI document, as the user of this tab.
import { byId } from './dom.js'
import { showProblem } from './header.js'
import { api, credentials, get, token } from './session.js'

/**
 * What Swagger UI, a script of its own, leaves behind. It receives only these settings.
 * @typedef {{ preauthorizeApiKey(scheme: string, value: string): void }} SwaggerUi
 * @typedef {{ headers: Record<string, string>, body?: unknown }} Request
 */
const SwaggerUIBundle = /** @type {(options: object) => SwaggerUi} */ (Reflect.get(window, 'SwaggerUIBundle'))

async function show() {
  // The address of the API as the browser knows it, which a proxy may have changed.
  const spec = { ...(await get('openapi.json')), servers: [{ url: api.href.replace(/\/$/, '') }] }
  const shown = credentials()
  const access = await token()
  const ui = SwaggerUIBundle({
    spec,
    domNode: byId('swagger', HTMLElement),
    deepLinking: true,
    docExpansion: 'none',
    defaultModelsExpandDepth: -1,
    defaultModelRendering: 'model',
    displayRequestDuration: true,
    filter: true,
    operationsSorter: 'alpha',
    tryItOutEnabled: true,
    validatorUrl: null,
    onComplete() {
      if (shown?.kind === 'key') ui.preauthorizeApiKey('api_key', shown.key)
      if (access !== null) ui.preauthorizeApiKey('jwt', access)
    },
    async requestInterceptor(/** @type {Request} */ request) {
      // An empty field of a form means that it was left alone.
      if (request.body instanceof FormData) dropEmpty(request.body)
      // A token ends after an hour; the page may stay open longer.
      if (access !== null && request.headers.Authorization === `Bearer ${access}`) {
        request.headers.Authorization = `Bearer ${(await token()) ?? access}`
      }
      return request
    },
  })
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
