// The API's own documents, and a page to read and try them.
import { type Component, component } from '../../component/component.ts'
import { serveDocuments } from './serve.ts'

export default component({
  section: 'api_docs',
  presence: 'always',
  options: {},
  create({ core, scope }): Component {
    for (const registration of serveDocuments(core.registry, core.host.version)) scope.use(registration)
    return {}
  },
})
