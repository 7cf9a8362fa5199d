import '@fontsource-variable/inter'
import '@fontsource-variable/jetbrains-mono'
import '@mantine/core/styles.css'
import '@mantine/notifications/styles.css'
import '@mantine/spotlight/styles.css'
import './console.css'
import { MantineProvider } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { queryClient } from './api.ts'
import { STYLE_NONCE } from './base.ts'
import { router } from './router.tsx'
import { Notices } from './shell/notices.tsx'
import { readableColors, theme } from './theme.ts'

// Libraries that make styles at run time look for their nonce here.
Object.assign(globalThis, { __webpack_nonce__: STYLE_NONCE })

// A part of the page that was replaced by a newer build is not there any more: begin with the new one.
addEventListener('vite:preloadError', () => location.reload())

const place = document.getElementById('root')
if (place === null) throw new Error('the page has no root')
createRoot(place).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      cssVariablesResolver={readableColors}
      defaultColorScheme="auto"
      getStyleNonce={() => STYLE_NONCE}
    >
      <QueryClientProvider client={queryClient}>
        <Notices />
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
)
