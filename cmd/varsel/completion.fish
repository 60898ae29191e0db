# Completion of varsel in fish. In ~/.config/fish/config.fish: varsel completion fish | source
function __varsel_complete
	set -l before (commandline -opc)
	set -l current (commandline -ct)
	set -l found ($before[1] __complete $before[2..-1] "$current" 2>/dev/null)
	if test "$found[1]" = :files
		__fish_complete_path "$current"
	else
		string join -- \n $found
	end
end
complete -c varsel -f -a '(__varsel_complete)'
