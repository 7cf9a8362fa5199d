export default () => {
  console.info('take the registration out of app_service_config_files and restart the server')
}
