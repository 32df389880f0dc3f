// The HTTP page of the API: Swagger UI for the server's OpenAPI document, as the page's user.
import { byId } from '../shared/dom.ts'
import { showProblem, startHeader } from './header.ts'
import { apiUrl, authorization, get } from './session.ts'

/** What the page uses of Swagger UI, a script of its own. */
declare const SwaggerUIBundle: (settings: object) => void

interface System {
  getSystem(): { readonly layoutActions: { show(thing: readonly string[], isShown: boolean): void } }
}

interface SwaggerRequest {
  headers: Readonly<Record<string, string>>
  readonly body?: unknown
}

async function show(): Promise<void> {
  const document = (await get('openapi.json')) as object
  const page = byId('swagger', HTMLElement)
  SwaggerUIBundle({
    // The address of the API as the browser knows it, which a proxy may have changed.
    spec: { ...document, servers: [{ url: apiUrl }] },
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
    async requestInterceptor(request: SwaggerRequest) {
      // A form has its empty fields too.
      if (request.body instanceof FormData) dropEmpty(request.body)
      request.headers = { ...request.headers, ...(await authorization()) }
      return request
    },
    plugins: [expandMatches(page)],
  })
}

/**
 * A plugin of Swagger UI that expands the groups that match the filter: without it, Swagger UI only hides the others. With
 * an empty filter all groups are collapsed.
 */
function expandMatches(page: HTMLElement): (system: System) => object {
  return system => {
    const expand = (isFiltered: boolean) => {
      for (const group of page.querySelectorAll('.opblock-tag')) {
        const name = group.getAttribute('data-tag')
        if (name !== null) system.getSystem().layoutActions.show(['operations-tag', name], isFiltered)
      }
    }
    const updateFilter = (update: (filter: unknown) => unknown) => (filter: unknown) => {
      const result = update(filter)
      // When the groups that match are on the page.
      requestAnimationFrame(() => requestAnimationFrame(() => expand(Boolean(filter))))
      return result
    }
    return { statePlugins: { layout: { wrapActions: { updateFilter } } } }
  }
}

function dropEmpty(form: FormData): void {
  const empty = [...form].filter(([, value]) => value === '')
  for (const [name] of empty) form.delete(name)
}

/** Swagger UI's own dark colours depend on a class. */
function followScheme(): void {
  const dark = matchMedia('(prefers-color-scheme: dark)')
  const apply = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
  dark.addEventListener('change', apply)
  apply()
}

startHeader()
followScheme()
show().catch(showProblem)
