import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core'

const iris: MantineColorsTuple = [
  '#eef1ff',
  '#dfe3fd',
  '#bcc4f6',
  '#9aa6f2',
  '#8492ee',
  '#6a7be8',
  '#5569e6',
  '#4659cc',
  '#3d4fb7',
  '#3143a2',
]

const night: MantineColorsTuple = [
  '#d3d7de',
  '#b9bfc9',
  '#a3aab6',
  '#6f7786',
  '#404653',
  '#2c313c',
  '#1f232b',
  '#15181e',
  '#101318',
  '#0b0d11',
]

/** Colours of text that would be too faint otherwise. */
export const readableColors: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#5a6270',
    '--mantine-color-placeholder': '#6a7280',
    '--mantine-color-error': '#c02637',
  },
  dark: {
    '--mantine-color-dimmed': '#a3aab6',
    '--mantine-color-placeholder': '#8f97a5',
    '--mantine-color-anchor': '#a5b1f8',
    '--mantine-color-error': '#ff8a94',
  },
})

/** Quiet and dense: people look for something here, often in a hurry. */
export const theme = createTheme({
  primaryColor: 'iris',
  primaryShade: { light: 7, dark: 7 },
  colors: { iris, dark: night },
  fontFamily: "'Inter Variable', system-ui, sans-serif",
  fontFamilyMonospace: "'JetBrains Mono Variable', ui-monospace, monospace",
  headings: { fontWeight: '600' },
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.125rem' },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Notification: {
      defaultProps: { closeButtonProps: { 'aria-label': 'Dismiss' } },
      styles: { description: { color: 'var(--mantine-color-text)' } },
    },
    // In the colour of text: what the box is coloured by is too pale to be read by.
    Alert: {
      styles: { message: { color: 'var(--mantine-color-text)' }, title: { color: 'var(--mantine-color-text)' } },
    },
    Tooltip: { defaultProps: { openDelay: 300, withArrow: true, multiline: true, maw: 320 } },
    Drawer: { defaultProps: { position: 'right', overlayProps: { backgroundOpacity: 0.35, blur: 1 } } },
    Modal: { defaultProps: { centered: true } },
    Select: { defaultProps: { comboboxProps: { shadow: 'md' }, checkIconPosition: 'right' } },
    Button: { defaultProps: { size: 'sm' } },
    SegmentedControl: { defaultProps: { transitionDuration: 0 } },
    TextInput: { defaultProps: { size: 'sm' } },
  },
})
