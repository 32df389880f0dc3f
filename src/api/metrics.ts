// Metrics for Prometheus: one route outside the calling scheme.
import { string } from '../schema/index.ts'
import { chapter } from './chapter.ts'

export const metrics = chapter({
  title: 'Metrics',
  about: 'Values of printer, machine and server for Prometheus',
  raw: {
    metrics: {
      verb: 'GET',
      path: '/metrics',
      summary: 'All metrics; the header Accept selects the format',
      status: 200,
      reply: {
        'text/plain': string().describe('The Prometheus text format 0.0.4').json,
        'application/openmetrics-text': string().describe('OpenMetrics 1.0').json,
      },
    },
  },
})
